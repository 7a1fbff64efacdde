/** @file Flags and help of `tessera plot`. */
import { type Command, Option } from 'commander';
import { FIGURE_PARTS } from '../../tools/pictures/figure1-parts.ts';
import {
  addCommand,
  examples,
  GROUPS,
  listOption,
  parseWholeCount,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';
import { AXES } from './axis.ts';
import { addModelPlots } from './model-flags.ts';
import { outOption, SUB } from './out-flag.ts';

/** Adds `tessera plot`. */
export function addPlot(program: Command): void {
  const plot = addCommand(program, 'plot', GROUPS.look, 'Pictures of runs, models and data');
  examples(plot, 'Curves of a run; what a model looks at', [
    'tessera plot curves runs/quickstart-20260101-120000',
    'tessera plot rollout cat.jpg --checkpoint runs/cats --out looks.png',
  ]);
  addCurves(plot);
  addBatch(plot);
  addFigure1(plot);
  addPatches(plot);
  addPatchNumbers(plot);
  addModelPlots(plot);
}

function addCurves(plot: Command): void {
  const curves = addCommand(
    plot,
    'curves [run...]',
    SUB,
    'Loss, accuracy, rate, norm and speed of runs (default: the newest)',
  )
    .addOption(
      listOption(
        '--beside <file.csv>',
        'Figures of another source to show too: columns epoch and accuracy, or loss',
      ),
    )
    .addOption(
      new Option('--by <axis>', 'What they are drawn over').choices(AXES).default('epoch' as const),
    )
    .addOption(outOption('Where to write it (default: pictures/curves.png of the first run)'))
    .addOption(verboseOption());
  examples(curves, 'Two runs in one picture; a run beside the figures of a paper', [
    'tessera plot curves runs/a runs/b --by time --out ab.svg',
    'tessera plot curves runs/a --beside paper.csv --out beside.svg',
  ]);
  curves.action(async (runs, options) =>
    (await import('./curves.ts')).plotCurves({ ...options, runs }),
  );
}

function addFigure1(plot: Command): void {
  const figure = addCommand(plot, 'figure1 [size]', SUB, 'A whole model in one drawing')
    .addOption(
      new Option('--light <part>', 'The part that is shown; the others are faint').choices(
        FIGURE_PARTS,
      ),
    )
    .addOption(imageSizeOption())
    .addOption(
      new Option('--classes <count>', 'Number of classes').argParser(parseWholeCount).default(1000),
    )
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(figure, 'ViT-B/16 (the default), with the attention lit; another size', [
    'tessera plot figure1 --light attention --out figure1.svg',
    'tessera plot figure1 Ti/16 --classes 3 --out tiny.svg',
  ]);
  figure.action(async (model, options) =>
    (await import('./figure1.ts')).plotFigure1({ ...options, model: model ?? 'B/16' }),
  );
}

function imageSizeOption(): Option {
  return new Option('--image-size <pixels>', 'Side of the image')
    .argParser(parseWholeCount)
    .default(224);
}

function patchSizeOption(): Option {
  return new Option('--patch-size <pixels>', 'Side of a patch')
    .argParser(parseWholeCount)
    .default(16);
}

function addPatches(plot: Command): void {
  const patches = addCommand(plot, 'patches <image>', SUB, 'An image cut into its patches')
    .addOption(imageSizeOption())
    .addOption(patchSizeOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(patches, 'The 196 patches of a photo', ['tessera plot patches sushi.jpg --out p.png']);
  patches.action(async (image, options) =>
    (await import('./patches.ts')).plotPatches({ ...options, image }),
  );
}

function addPatchNumbers(plot: Command): void {
  const numbers = addCommand(
    plot,
    'patch-numbers <image>',
    SUB,
    'The numbers of one patch, and the row they become',
  )
    .addOption(
      new Option('--patch <number>', 'Which patch, from 1 (default: the middle one)').argParser(
        parseWholeCount,
      ),
    )
    .addOption(imageSizeOption())
    .addOption(patchSizeOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(numbers, 'The 768 numbers of patch 90 of 196', [
    'tessera plot patch-numbers sushi.jpg --patch 90 --out numbers.png',
  ]);
  numbers.action(async (image, options) =>
    (await import('./patches.ts')).plotPatchNumbers({ ...options, image }),
  );
}

function addBatch(plot: Command): void {
  const batch = addCommand(plot, 'batch <config>', SUB, 'Training images as the model gets them')
    .addOption(setOption())
    .addOption(
      new Option('--epoch <number>', 'Epoch, from 1').argParser(parseWholeCount).default(1),
    )
    .addOption(new Option('--count <images>', 'Images').argParser(parseWholeCount).default(24))
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(batch, 'After augmentation, with labels', ['tessera plot batch quickstart --out b.png']);
  batch.action(async (config, options) =>
    (await import('./batch.ts')).plotBatch({ ...options, config }),
  );
}
