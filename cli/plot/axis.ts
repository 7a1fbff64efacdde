/** @file What curves are drawn over: steps, epochs or working time. Pure. */
import type { RunMetrics } from '../../shared/runs/reader/metrics.ts';

/** The quantities of the axis below. */
export const AXES = ['step', 'epoch', 'time'] as const;
export type Axis = (typeof AXES)[number];

/** A record of a run, and the version that it is about. */
interface Place {
  readonly version: number;
  readonly time: string;
}

/** Units of time, the largest first, and the seconds from which on each is used. */
const UNITS = [
  { name: 'hours', seconds: 3600, from: 2 * 3600 },
  { name: 'minutes', seconds: 60, from: 2 * 60 },
  { name: 'seconds', seconds: 1, from: 0 },
] as const;

/** The axis of some runs: its name, and the place of a record of one of them. */
export function axisOf(axis: Axis, runs: readonly RunMetrics[]) {
  const longest = Math.max(0, ...runs.map(({ workedSeconds }) => workedSeconds));
  const unit = UNITS.find(({ from }) => longest >= from) ?? UNITS[2];
  const label = axis === 'time' ? `${unit.name} at work` : axis;
  const placesIn = (metrics: RunMetrics): ((place: Place) => number) => {
    if (axis === 'step') return ({ version }) => version;
    if (axis === 'time') return ({ time }) => workedAt(metrics, time) / unit.seconds;
    const perEpoch = stepsPerEpoch(metrics);
    return ({ version }) => version / perEpoch;
  };
  return { label, placesIn };
}

/** Working time at the moment of a record: pauses before a resume do not count. */
function workedAt({ starts }: RunMetrics, time: string): number {
  const timeMs = Date.parse(time);
  const start = starts.findLast((one) => one.timeMs <= timeMs) ?? starts[0];
  return start === undefined ? Number.NaN : start.workedSeconds + (timeMs - start.timeMs) / 1000;
}

function stepsPerEpoch({ steps }: RunMetrics): number {
  const counts = new Map<number, number>();
  for (const { epoch } of steps) counts.set(epoch, (counts.get(epoch) ?? 0) + 1);
  return [...counts.values()].reduce((most, count) => Math.max(most, count), 1);
}
