/** @file `tessera plot curves`: loss and accuracy of runs by epoch, side by side. */
import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { type Panel, panels, type Series } from '../../shared/pictures/charts.ts';
import { writePicture } from '../../shared/pictures/render.ts';
import { type RunMetrics, readMetrics, type StepRecord } from '../metrics.ts';
import { findRun } from '../run-folders.ts';
import { print } from '../talk.ts';

/** Flags of `plot curves`. */
export interface CurvesOptions {
  readonly runs: readonly string[];
  readonly out?: string;
}

type Quantity = 'loss' | 'accuracy';

/** Draws the curves of runs and says where. Throws  DATA_INVALID when none of them has made a step. */
export async function plotCurves({ runs, out }: CurvesOptions): Promise<void> {
  const wanted = runs.length === 0 ? [undefined] : runs;
  const folders = await Promise.all(wanted.map((run) => findRun(run)));
  const read = await Promise.all(
    folders.map(async (folder) => ({
      name: basename(resolve(folder)),
      metrics: await readMetrics(folder),
    })),
  );
  const first = folders[0] ?? '.';
  if (read.every(({ metrics }) => metrics.steps.length === 0)) {
    throw new TesseraError('DATA_INVALID', `${first} has not made a step yet: nothing to draw`);
  }
  const path = out ?? join(first, 'pictures', 'curves.png');
  if (out === undefined) await mkdir(join(first, 'pictures'), { recursive: true });
  await writePicture(path, panels([panelOf(read, 'loss'), panelOf(read, 'accuracy')]));
  print([path]);
}

function panelOf(
  runs: readonly { readonly name: string; readonly metrics: RunMetrics }[],
  quantity: Quantity,
): Panel {
  const isShare = quantity === 'accuracy';
  return {
    title: isShare ? 'Accuracy' : 'Loss',
    xLabel: 'epoch',
    yLabel: isShare ? 'accuracy' : 'cross-entropy',
    kind: 'line',
    isShare,
    series: runs.flatMap(({ name, metrics }, colour) => {
      const prefix = runs.length > 1 ? `${name} ` : '';
      return seriesOf(metrics, quantity, prefix, runs.length > 1 ? colour : undefined);
    }),
  };
}

/** Training as means over epochs with the steps behind, testing dashed where runs have a colour each. */
function seriesOf(
  { steps: all, evaluations, chosenOn, test }: RunMetrics,
  quantity: Quantity,
  prefix: string,
  colour: number | undefined,
): Series[] {
  // A step none of whose images could be read has no loss.
  const steps = all.filter((step) => Number.isFinite(step[quantity]));
  const perEpoch = [...countByEpoch(all).values()].reduce(
    (most, count) => Math.max(most, count),
    1,
  );
  const train = { name: `${prefix}train`, colour: colour ?? 0 };
  return [
    {
      ...train,
      isFaint: true,
      points: steps.map((step) => [step.step / perEpoch, step[quantity]] as const),
    },
    { ...train, points: meansByEpoch(steps, quantity) },
    {
      name: `${prefix}${chosenOn}`,
      colour: colour ?? 1,
      isDashed: colour !== undefined,
      points: evaluations.map((found) => [found.version / perEpoch, found[quantity]] as const),
    },
    // One point, of the version that was tested at the end.
    ...(chosenOn === 'test' || test === undefined
      ? []
      : [
          {
            name: `${prefix}test`,
            colour: colour ?? 2,
            isDashed: colour !== undefined,
            points: [[test.version / perEpoch, test[quantity]] as const],
          },
        ]),
  ];
}

function countByEpoch(steps: readonly StepRecord[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { epoch } of steps) counts.set(epoch, (counts.get(epoch) ?? 0) + 1);
  return counts;
}

function meansByEpoch(steps: readonly StepRecord[], quantity: Quantity): [number, number][] {
  const counts = countByEpoch(steps);
  const sums = new Map<number, number>();
  for (const step of steps) sums.set(step.epoch, (sums.get(step.epoch) ?? 0) + step[quantity]);
  return [...sums].map(([epoch, sum]) => [epoch, sum / (counts.get(epoch) ?? 1)]);
}
