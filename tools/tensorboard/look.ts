/** @file Looks at a checkpoint: how its parameters and a gradient are distributed, a batch, and the worst mistakes. */
import { countOf, type Program } from '../../shared/compute/program.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { SPLIT_WORDS, type Split } from '../../shared/core/work.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import type { DataSource } from '../../shared/data/source.ts';
import {
  type ParameterEntry,
  parameterTable,
  parameterView,
} from '../../shared/model/parameters.ts';
import { weighClasses } from '../../shared/training/class-weights.ts';
import type { TrainingLeaf } from '../blocks/training-leaves.ts';
import { evaluateModel } from '../inference/evaluate.ts';
import { readModel, type TrainedModel } from '../inference/read/read-model.ts';
import { compiled, IMAGES_MAX, nextLeaf } from '../look/checkpoint.ts';
import type { LookJob, LookTaker } from '../look/job.ts';
import { sampled } from '../look/sampled.ts';
import { pngOfSvg } from '../pictures/render.ts';
import { sheet } from '../pictures/sheet.ts';
import { batchTiles } from '../sheets/batch.ts';
import { mistakesSheet } from '../sheets/mistakes.ts';
import { histogramOf } from './histogram.ts';
import { paddedLeaf } from './padded-leaf.ts';
import { summaryRecord } from './records.ts';
import { histogram, image } from './values.ts';

/** Images of the batch that are shown. */
const BATCH_SHOWN = 32;

/** Throws  what keeps the checkpoint, its data or an image from being read. */
export async function look({ folder, step }: LookJob, taker: LookTaker): Promise<void> {
  const read = await readModel(folder);
  const send = (...values: Parameters<typeof summaryRecord>[1]) =>
    taker.send(summaryRecord({ step, wallSeconds: Date.now() / 1000 }, values));
  const { entries } = parameterTable(read.model);
  send(...histograms('parameters', entries, read.parameters));
  const { data, seed } = read.config;
  if (data.source === 'program') {
    taker.lack('TensorBoard gets no images and gradients: the data set is in a program');
    return;
  }
  const source = await openDataSource(data, { seed, baseFolder: process.cwd() });
  const { trained, program, spec } = await compiled(read, source);
  const next = await nextLeaf(trained.config, source, step);
  const title = `The first images of the batch after step ${step}, as the model gets them`;
  const of = { classes: source.classes, imageSize: trained.model.imageSize, data };
  send(
    image(
      'images/batch',
      await drawn(await sheet(batchTiles(next.leaf, BATCH_SHOWN, of), layout(8, title))),
    ),
  );
  const { frozen = 0 } = spec;
  const gradient = await gradientOf(program, next, trained.config);
  const trains = entries.filter(({ offset }) => offset >= frozen);
  const moved = trains.map((entry) => ({ ...entry, offset: entry.offset - frozen }));
  send(...histograms('gradients', moved, gradient));
  const split = source.size.validation > 0 ? 'validation' : 'test';
  const mistakes = await drawnMistakes(trained, program, { source, split });
  if (mistakes !== undefined) send(image('images/mistakes', mistakes));
  await program.dispose();
}

function histograms(group: string, entries: readonly ParameterEntry[], flat: Float32Array) {
  return entries.flatMap((entry) => {
    const found = histogramOf(parameterView(flat, entry));
    return found === undefined ? [] : [histogram(`${group}/${entry.name}`, found)];
  });
}

/** The mean gradient of a leaf's images. Shapes  of what trains, flat. */
async function gradientOf(
  program: Program,
  { leaf, epoch }: { readonly leaf: TrainingLeaf; readonly epoch: number },
  { training, seed }: RunConfig,
): Promise<Float32Array> {
  const { classWeights, microBatch } = training;
  if (classWeights !== 'none') weighClasses(leaf, leaf.mix, classWeights);
  const noise = { seed, epoch, samples: leaf.samples };
  const { gradient } = await program.train({ ...paddedLeaf(leaf, microBatch), noise });
  const count = Math.max(1, countOf(leaf.weights));
  return gradient.map((value) => value / count);
}

async function drawnMistakes(
  trained: TrainedModel,
  program: Program,
  { source, split }: { readonly source: DataSource; readonly split: Split },
) {
  if (source.size[split] === 0) return undefined;
  const some = sampled(source, split, IMAGES_MAX);
  const predict = (images: Float32Array) => program.predict(images);
  const { mistakes, samples } = await evaluateModel(trained, predict, some, { split });
  if (mistakes.length === 0) return undefined;
  const title = `The ${mistakes.length} worst mistakes of ${samples} ${SPLIT_WORDS[split]} images`;
  const of = { imageSize: trained.model.imageSize, data: trained.config.data };
  return await drawn(await mistakesSheet(mistakes, of, layout(6, title)));
}

const layout = (columns: number, title: string) => ({ columns, tileSize: 110, title });

/** A PNG and its size, which its header has. */
async function drawn(svg: string) {
  const bytes = Buffer.from(await pngOfSvg(svg));
  return { bytes, width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}
