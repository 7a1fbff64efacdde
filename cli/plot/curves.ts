/** @file `tessera plot curves`: loss, accuracy, learning rate, gradient norm and speed of runs, over each other. */
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
import { type Axis, axisOf } from './axis.ts';
import { type Beside, readBeside } from './beside.ts';
import { smoothed, thinned } from './thinned.ts';

/** Flags of `plot curves`. */
export interface CurvesOptions {
  readonly runs: readonly string[];
  /** Tables with figures of other sources. */
  readonly beside?: readonly string[];
  /** What they are drawn over. */
  readonly by?: Axis;
  readonly out?: string;
}

/** What is judged, and what a step has besides. */
type Quantity = 'loss' | 'accuracy';
type StepQuantity = 'learningRate' | 'gradientNorm' | 'imagesPerSecond';

const STEP_PANELS: Readonly<Record<StepQuantity, Pick<Panel, 'title' | 'yLabel'>>> = {
  // Its numbers need the room of a label.
  learningRate: { title: 'Learning rate', yLabel: '' },
  gradientNorm: { title: 'Gradient norm', yLabel: 'norm before clipping' },
  imagesPerSecond: { title: 'Speed', yLabel: 'images a second' },
};

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
 * Throws  USAGE when --beside does not fit; DATA_INVALID when none of them has made a step; after the others were drawn, when one cannot be read.
 */
export async function plotCurves(options: CurvesOptions): Promise<void> {
  const { runs, beside = [], by = 'epoch', out } = options;
  refuseOtherAxis(beside, by);
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
  await writePicture(path, curves(read, others, by));
  print([path]);
  if (unread.length === 0) return;
  const sentence = `${unread.length} of ${folders.length} runs are not in the picture: ${someOf(unread)}`;
  throw new TesseraError('DATA_INVALID', sentence, { hint: 'check that you may read them' });
}

function refuseOtherAxis(beside: readonly string[], by: Axis): void {
  if (beside.length === 0 || by === 'epoch') return;
  throw new TesseraError('USAGE', `--beside has figures by epoch, which --by ${by} cannot show`, {
    hint: 'leave --by out',
  });
}

/** Names that distinguish folders: their own, or whole paths where two have the same. */
function namesOf(folders: readonly string[]): readonly string[] {
  const names = folders.map((folder) => basename(resolve(folder)));
  return new Set(names).size === names.length ? names : folders;
}

/** The picture of some runs: of one, a colour for each split; of several, a colour for each run. Others have one each. */
export function curves(
  runs: readonly Run[],
  beside: readonly Beside[] = [],
  by: Axis = 'epoch',
): string {
  const axis = axisOf(
    by,
    runs.map(({ metrics }) => metrics),
  );
  const both = [panelOf(runs, beside, 'loss', axis), panelOf(runs, beside, 'accuracy', axis)];
  const small = (Object.keys(STEP_PANELS) as StepQuantity[]).map((quantity) =>
    stepPanel(runs, quantity, axis),
  );
  if (runs.length === 1) return panels(both, undefined, small);
  const isOther = new Set(beside.map(({ name }) => name));
  const splits = new Set(both.flatMap(({ series }) => series.map(({ name }) => name)));
  const groups = [
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
  ];
  return panels(both, groups, small);
}

type Places = ReturnType<typeof axisOf>;

/** A quantity that only steps have, smoothed, with the steps behind. */
function stepPanel(runs: readonly Run[], quantity: StepQuantity, axis: Places): Panel {
  return {
    ...STEP_PANELS[quantity],
    ...{ xLabel: axis.label, kind: 'line' },
    series: runs.flatMap(({ metrics }, run): Series[] => {
      const place = axis.placesIn(metrics);
      const points = metrics.steps.map(
        ({ step: version, time, [quantity]: value }) => [place({ version, time }), value] as const,
      );
      const series = { name: 'train', colour: run };
      if (quantity === 'learningRate')
        return [{ ...series, isBare: true, points: thinned(points) }];
      return [
        { ...series, isFaint: true, points: thinned(points) },
        { ...series, isBare: true, points: thinned(smoothed(points)) },
      ];
    }),
  };
}

function panelOf(
  runs: readonly Run[],
  beside: readonly Beside[],
  quantity: Quantity,
  axis: Places,
): Panel {
  const isShare = quantity === 'accuracy';
  const first = runs.length > 1 ? runs.length : Object.keys(LINES).length - 1;
  return {
    title: isShare ? 'Accuracy' : 'Loss',
    xLabel: axis.label,
    yLabel: isShare ? 'accuracy' : 'cross-entropy',
    kind: 'line',
    isShare,
    series: [
      ...runs.flatMap(({ metrics }, run) =>
        seriesOf(metrics, quantity, axis.placesIn(metrics)).map((series) => ({
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
  placeOf: ReturnType<Places['placesIn']>,
): Series[] {
  // A step none of whose images could be read has no loss.
  const steps = all.filter((step) => Number.isFinite(step[quantity]));
  const place = ({ step: version, time }: StepRecord) => placeOf({ version, time });
  return [
    {
      name: 'train',
      isFaint: true,
      points: thinned(steps.map((step) => [place(step), step[quantity]] as const)),
    },
    { name: 'train', isBare: true, points: meansByEpoch(steps, quantity, place) },
    {
      name: chosenOn === 'test' && evaluations.length === 1 ? TESTED_ONCE : chosenOn,
      points: evaluations.map((found) => [placeOf(found), found[quantity]] as const),
    },
    ...(chosenOn === 'test' || test === undefined
      ? []
      : [{ name: TESTED_ONCE, points: [[placeOf(test), test[quantity]] as const] }]),
  ];
}

/** Means over epochs, each where its last step is. */
function meansByEpoch(
  steps: readonly StepRecord[],
  quantity: Quantity,
  place: (step: StepRecord) => number,
): [number, number][] {
  const epochs = new Map<number, { sum: number; count: number; at: number }>();
  for (const step of steps) {
    const known = epochs.get(step.epoch) ?? { sum: 0, count: 0, at: 0 };
    known.sum += step[quantity];
    known.count += 1;
    known.at = place(step);
    epochs.set(step.epoch, known);
  }
  return [...epochs.values()].map(({ sum, count, at }) => [at, sum / count]);
}
