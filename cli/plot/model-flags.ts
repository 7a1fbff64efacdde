/** @file Flags and help of the commands of `tessera plot` that look into a model. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  headsOption,
  parseWholeCount,
  setOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';
import { outOption, SUB } from './out-flag.ts';

const CHECKPOINT = [
  '--checkpoint <path>',
  'Run (default: the newest), checkpoint, or any weights',
] as const;

const blockOption = () =>
  new Option('--block <number>', 'Block, from 1 (default: the last)').argParser(parseWholeCount);

/** What the commands have in common that compute what a model does with images. */
function addLookingIn(command: Command): void {
  command
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
}

/** Adds them, in the order in which an image passes through a model. */
export function addModelPlots(plot: Command): void {
  addEmbedding(plot);
  addFilters(plot);
  addPositions(plot);
  addAttention(plot);
  addMatrix(plot);
  addResidual(plot);
  addDistance(plot);
  addRollout(plot);
}

function addEmbedding(plot: Command): void {
  const embedding = addCommand(
    plot,
    'embedding <image>',
    SUB,
    'An image as the sequence of its patches',
  )
    .option(...CHECKPOINT)
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(embedding, 'Feature maps and the flattened sequence', [
    'tessera plot embedding sushi.jpg --checkpoint runs/a --out embedding.png',
  ]);
  embedding.action(async (image, options) =>
    (await import('./model/embedding.ts')).plotEmbedding({ ...options, image }),
  );
}

function addFilters(plot: Command): void {
  const filters = addCommand(
    plot,
    'filters [checkpoint]',
    SUB,
    "Patch-embedding filters: the paper's figure 7, left",
  )
    .option('--raw', 'The filters themselves instead of their principal components')
    .addOption(weightsKeyOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(filters, 'The 28 first components', ['tessera plot filters runs/a --out filters.png']);
  filters.action(async (checkpoint, options) =>
    (await import('./model/filters.ts')).plotFilters({ ...options, checkpoint }),
  );
}

function addPositions(plot: Command): void {
  const positions = addCommand(
    plot,
    'positions [checkpoint]',
    SUB,
    'Similarity of position embeddings: figure 7, centre',
  )
    .option('--before', 'Also those that the run began with')
    .addOption(weightsKeyOption())
    .addOption(outOption().makeOptionMandatory())
    .addOption(verboseOption());
  examples(positions, 'Of a run; before and after its training', [
    'tessera plot positions runs/a --out positions.png',
    'tessera plot positions runs/a --before --out both.png',
  ]);
  positions.action(async (checkpoint, options) =>
    (await import('./model/positions.ts')).plotPositions({ ...options, checkpoint }),
  );
}

function addDistance(plot: Command): void {
  const distance = addCommand(
    plot,
    'attention-distance [checkpoint]',
    SUB,
    'Mean attention distance by depth: figure 7, right',
  )
    .requiredOption('--images <file-or-folder...>', 'Images to look at')
    .addOption(
      new Option('--samples <count>', 'Most images').argParser(parseWholeCount).default(16),
    );
  addLookingIn(distance);
  examples(distance, 'Over 16 photos of a folder', [
    'tessera plot attention-distance runs/a --images photos --out distance.png',
  ]);
  distance.action(async (checkpoint, options) =>
    (await import('./model/attention-distance.ts')).plotDistance({ ...options, checkpoint }),
  );
}

function addRollout(plot: Command): void {
  const rollout = addCommand(
    plot,
    'rollout <image...>',
    SUB,
    'Where a model looks: figure 6',
  ).option(...CHECKPOINT);
  addLookingIn(rollout);
  examples(rollout, 'Photos and the attention on them, side by side', [
    'tessera plot rollout cat.jpg dog.jpg --checkpoint runs/a --out looks.png',
  ]);
  rollout.action(async (images, options) =>
    (await import('./model/rollout.ts')).plotRollout({ ...options, images }),
  );
}

function addAttention(plot: Command): void {
  const attention = addCommand(
    plot,
    'attention <image...>',
    SUB,
    'What each head of a block looks at',
  )
    .option(...CHECKPOINT)
    .addOption(blockOption());
  addLookingIn(attention);
  examples(attention, 'The heads of the last block on a photo', [
    'tessera plot attention cat.jpg --checkpoint runs/a --out heads.png',
  ]);
  attention.action(async (images, options) =>
    (await import('./model/attention.ts')).plotAttention({ ...options, images }),
  );
}

function addMatrix(plot: Command): void {
  const matrix = addCommand(
    plot,
    'attention-matrix <image>',
    SUB,
    'One head: which token looks at which, and a row of it over the image',
  )
    .option(...CHECKPOINT)
    .addOption(blockOption())
    .addOption(new Option('--head <number>', 'Head, from 1').argParser(parseWholeCount).default(1))
    .addOption(
      new Option(
        '--patch <number>',
        'Whose row is shown, from 1 in reading order (default: that of the class token)',
      ).argParser(parseWholeCount),
    );
  addLookingIn(matrix);
  examples(matrix, 'What the class token looks at, by the second head of block 6', [
    'tessera plot attention-matrix cat.jpg --block 6 --head 2 --out matrix.png',
  ]);
  matrix.action(async (image, options) =>
    (await import('./model/attention-matrix.ts')).plotMatrix({ ...options, image }),
  );
}

function addResidual(plot: Command): void {
  const residual = addCommand(
    plot,
    'residual <image>',
    SUB,
    'What the two halves of a block add to the tokens',
  )
    .option(...CHECKPOINT)
    .addOption(blockOption());
  addLookingIn(residual);
  examples(residual, 'The tokens of a photo, before and behind block 6', [
    'tessera plot residual cat.jpg --block 6 --out residual.png',
  ]);
  residual.action(async (image, options) =>
    (await import('./model/residual.ts')).plotResidual({ ...options, image }),
  );
}
