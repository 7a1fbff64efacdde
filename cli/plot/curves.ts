/** @file `tessera plot curves`: loss and accuracy of runs by epoch, side by side. */
import { basename, join, resolve } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { findRun } from '../../shared/runs/reader/find.ts';
import { type RunMetrics, readMetrics, type StepRecord } from '../../shared/runs/reader/metrics.ts';
import { colourOf, type Panel, panels, type Series } from '../../tools/pictures/charts.ts';
import type { Mark } from '../../tools/pictures/legend.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { COLOURS } from '../../tools/pictures/svg.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { print } from '../terminal/output.ts';
import { type Beside, readBeside } from './beside.ts';

/** Flags of `plot curves`. */
export interface CurvesOptions {
  readonly runs: readonly string[];
  /** Tables with figures of other sources. */
  readonly beside?: readonly string[];
  readonly out?: string;
}

type Quantity = 'loss' | 'accuracy';

interface Run {
  readonly name: string;
  readonly metrics: RunMetrics;
}

/** The name of a test that is one point, of the model that the run ends with. */
const TESTED_ONCE = 'test of the kept model';

/** How the curve of a split is drawn: by its line alone where runs have a colour each. */
const LINES: Readonly<Record<string, { readonly mark: Mark; readonly colour: number }>> = {
  train: { mark: 'line', colour: 0 },
  validation: { mark: 'dashed', colour: 1 },
  test: { mark: 'dotted', colour: 1 },
  [TESTED_ONCE]: { mark: 'diamond', colour: 2 },
};

/**
 * Draws the curves of runs and says where.
 *
 * Throws  DATA_INVALID when none of them has made a step; after the others were drawn, when one cannot be read.
 */
export async function plotCurves({ runs, beside = [], out }: CurvesOptions): Promise<void> {
  const others = await Promise.all(beside.map((file) => readBeside(file)));
  const wanted = runs.length === 0 ? [undefined] : runs;
  const folders = await Promise.all(wanted.map((run) => findRun(run, SAY_PASSED_OVER)));
  const names = namesOf(folders);
  const unread: string[] = [];
  const read: Run[] = [];
  for (const [at, folder] of folders.entries()) {
    try {
      read.push({ name: names[at] as string, metrics: await readMetrics(folder) });
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (folders.length === 1) throw error;
      unread.push(error.sentence);
    }
  }
  const first = folders[0] ?? '.';
  if (read.every(({ metrics }) => metrics.steps.length === 0)) {
    const why = unread[0] === undefined ? `${first} has not made a step yet` : someOf(unread);
    throw new TesseraError('DATA_INVALID', `${why}: nothing to draw`);
  }
  const path = out ?? join(first, 'pictures', 'curves.png');
  if (out === undefined) await makeFolder(join(first, 'pictures'));
  await writePicture(path, curves(read, others));
  print([path]);
  if (unread.length === 0) return;
  const sentence = `${unread.length} of ${folders.length} runs are not in the picture: ${someOf(unread)}`;
  throw new TesseraError('DATA_INVALID', sentence, { hint: 'check that you may read them' });
}

/** Names that distinguish folders: their own, or whole paths where two have the same. */
function namesOf(folders: readonly string[]): readonly string[] {
  const names = folders.map((folder) => basename(resolve(folder)));
  return new Set(names).size === names.length ? names : folders;
}

/** The picture of some runs: of one, a colour for each split; of several, a colour for each run. Others have one each. */
export function curves(runs: readonly Run[], beside: readonly Beside[] = []): string {
  const both = [panelOf(runs, beside, 'loss'), panelOf(runs, beside, 'accuracy')];
  if (runs.length === 1) return panels(both);
  const isOther = new Set(beside.map(({ name }) => name));
  const splits = new Set(both.flatMap(({ series }) => series.map(({ name }) => name)));
  return panels(both, [
    [
      ...runs.map(
        ({ name }, run) => ({ label: name, colour: colourOf(run), mark: 'line' }) as const,
      ),
      ...beside.map(({ name }, at) => {
        return { label: name, colour: colourOf(runs.length + at), mark: 'dotted' } as const;
      }),
    ],
    [...splits]
      .filter((split) => !isOther.has(split))
      .map((split) => {
        return { label: split, colour: COLOURS.faint, mark: LINES[split]?.mark ?? 'line' };
      }),
  ]);
}

function panelOf(runs: readonly Run[], beside: readonly Beside[], quantity: Quantity): Panel {
  const isShare = quantity === 'accuracy';
  const first = runs.length > 1 ? runs.length : Object.keys(LINES).length - 1;
  return {
    title: isShare ? 'Accuracy' : 'Loss',
    xLabel: 'epoch',
    yLabel: isShare ? 'accuracy' : 'cross-entropy',
    kind: 'line',
    isShare,
    series: [
      ...runs.flatMap(({ metrics }, run) =>
        seriesOf(metrics, quantity).map((series) => ({
          ...series,
          ...LINES[series.name],
          ...(runs.length > 1 && { colour: run }),
        })),
      ),
      ...beside.flatMap((other, at) =>
        other[quantity].length === 0
          ? []
          : [
              {
                name: other.name,
                points: other[quantity],
                mark: 'dotted',
                colour: first + at,
              } as const,
            ],
      ),
    ],
  };
}

/** Training as means over epochs with the steps behind, and what was tested. */
function seriesOf(
  { steps: all, evaluations, chosenOn, test }: RunMetrics,
  quantity: Quantity,
): Series[] {
  // A step none of whose images could be read has no loss.
  const steps = all.filter((step) => Number.isFinite(step[quantity]));
  const perEpoch = [...countByEpoch(all).values()].reduce(
    (most, count) => Math.max(most, count),
    1,
  );
  return [
    {
      name: 'train',
      isFaint: true,
      points: steps.map((step) => [step.step / perEpoch, step[quantity]] as const),
    },
    { name: 'train', isBare: true, points: meansByEpoch(steps, quantity) },
    {
      name: chosenOn === 'test' && evaluations.length === 1 ? TESTED_ONCE : chosenOn,
      points: evaluations.map((found) => [found.version / perEpoch, found[quantity]] as const),
    },
    ...(chosenOn === 'test' || test === undefined
      ? []
      : [{ name: TESTED_ONCE, points: [[test.version / perEpoch, test[quantity]] as const] }]),
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
