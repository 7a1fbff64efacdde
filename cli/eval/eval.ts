/** @file `tessera eval`: what a model gets right and wrong on the test images or another split, in this one process. */
import { join } from 'node:path';
import { divergedText, isPlausible } from '../../shared/core/divergence.ts';
import { SPLIT_WORDS, type Split } from '../../shared/core/work.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { type Evaluation, matchData } from '../../tools/inference/evaluate.ts';
import { Model } from '../../tools/inference/model.ts';
import { heatmap } from '../../tools/pictures/charts.ts';
import { imageOf } from '../../tools/pictures/image.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { sheet } from '../../tools/pictures/sheet.ts';
import { foundJson, foundLines } from '../inputs/found-lines.ts';
import { readNamedModel, sayNotes } from '../inputs/model.ts';
import { print, printJson, say, Warnings } from '../terminal/output.ts';
import { formatPercent } from '../terminal/table.ts';
import { classLines, confusionLines, lossText, mistakeLines } from './eval-view.ts';

/** Flags of `eval`. */
export interface EvalOptions {
  /** The newest run unless given. */
  readonly checkpoint?: string;
  readonly set?: string[];
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  /** Folder for the confusion matrix and the worst mistakes as pictures. */
  readonly out?: string;
  /** Averages with mirror images. */
  readonly tta?: true;
  /** Whose images; `test` by default. */
  readonly split?: Split;
  readonly json?: true;
}

/** Classes of which a matrix on a terminal can still be read. */
const MATRIX_CLASSES_MAX = 20;
/** With no more classes than this, the five likeliest say nothing. */
const TOP = 5;

/** Tests a model. Throws  as `Model.evaluate`. */
export async function runEval(options: EvalOptions): Promise<void> {
  const { checkpoint, heads, set, weightsKey, out, split = 'test' } = options;
  const trained = await readNamedModel(checkpoint, { heads, set, weightsKey });
  sayNotes(trained, 'pixels');
  const { data, seed } = trained.config;
  const source = await openDataSource(data, { seed, baseFolder: process.cwd() });
  const { note } = matchData(trained, source, split);
  const model = await Model.start(trained, { tta: options.tta });
  try {
    for (const line of foundLines(source)) say(line);
    if (note !== undefined) say(`note: ${note}`);
    say(
      `testing ${model.path} on ${source.size[split]} ${SPLIT_WORDS[split]} images (${model.engine})`,
    );
    const warnings = new Warnings();
    const onUnreadable = ({ sentence }: Error & { sentence: string }) => warnings.give(sentence);
    const found = await model
      .evaluate(source, { split, onUnreadable })
      .finally(() => warnings.close());
    if (!isPlausible(found)) say(`warning: ${divergedText(found.loss)}`);
    if (options.json) printJson(evaluationJson(found, model, source));
    else print(evaluationLines(found, model));
    if (out !== undefined) await draw(found, model, out);
  } finally {
    await model.close();
  }
}

function evaluationJson(found: Evaluation, { path, classes }: Model, source: DataSource) {
  const { split, samples, badSamples, loss, accuracy, top5Accuracy } = found;
  return {
    schema: 'eval/2' as const,
    data: foundJson(source),
    ...{ modelPath: path, split, samples, badSamples },
    ...{ [`${split}Loss`]: loss, [`${split}Accuracy`]: accuracy },
    ...(classes.length > TOP && { top5Accuracy }),
    classes: found.classes,
    confusion: found.confusion,
    mistakes: found.mistakes.map(({ pixels: _, ...mistake }) => mistake),
  };
}

function evaluationLines(found: Evaluation, { classes, trained }: Model): readonly string[] {
  const { split, samples, badSamples, correct, accuracy, top5Accuracy, loss, mistakes } = found;
  const fact = (label: string, value: string) =>
    `${label.padEnd(`${split} accuracy`.length)}  ${value}`;
  return [
    fact(`${split} accuracy`, `${formatPercent(accuracy)} (${correct} of ${samples})`),
    ...(classes.length > TOP ? [fact('top 5', formatPercent(top5Accuracy))] : []),
    fact(`${split} loss`, lossText(loss, trained.config.training.labelSmoothing)),
    ...(badSamples === 0 ? [] : [fact('unreadable', `${badSamples} images`)]),
    ...['', ...classLines(found, classes)],
    ...(classes.length > MATRIX_CLASSES_MAX
      ? []
      : ['', ...confusionLines({ counts: found.confusion }, classes)]),
    ...(mistakes.length === 0 ? [] : ['', ...mistakeLines(mistakes)]),
  ];
}

/** Draws the confusion matrix and the worst mistakes. Throws  CANNOT_WRITE. */
async function draw(found: Evaluation, { classes, trained }: Model, folder: string): Promise<void> {
  const { accuracy, samples, confusion, mistakes } = found;
  await makeFolder(folder);
  const matrix = join(folder, 'confusion.png');
  const title = `Confusion matrix: ${formatPercent(accuracy)} of ${samples}`;
  const labels = { rows: classes, columns: classes, xLabel: 'predicted', yLabel: 'true' };
  await writePicture(matrix, heatmap({ title, ...labels, values: confusion }));
  say(`wrote ${matrix}`);
  if (mistakes.length === 0) return;
  const { model, config } = trained;
  const tiles = mistakes.map(({ name, label, predicted, probability, pixels }) => ({
    image: imageOf(pixels, model.imageSize, config.data),
    title: `${predicted} ${formatPercent(probability)}`,
    note: `is ${label}`,
    name,
    colour: 'bad' as const,
  }));
  const path = join(folder, 'mistakes.png');
  const heading = `The ${mistakes.length} worst mistakes`;
  await writePicture(path, await sheet(tiles, { columns: 6, tileSize: 170, title: heading }));
  say(`wrote ${path}`);
}
