/** @file A run as Chrome trace JSON, which Perfetto and speedscope open. Pure. Source  "Trace Event Format" of Chromium. */
import type { WorkKind } from '../../shared/core/work.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import { laneSpans } from '../../shared/runs/reader/lanes.ts';

/** What a trace is made of. */
export interface TraceSources {
  readonly run: string;
  /** In the order of time. */
  readonly activities: readonly TimedActivity[];
  readonly events: readonly TimedEvent[];
  /** Steps to show, both included; all unless given. */
  readonly steps?: { readonly from: number; readonly to: number } | undefined;
}

/** One record of the format. Units  microseconds. */
type TraceRecord = Readonly<Record<string, unknown>>;

type Step = Extract<TimedEvent, { type: 'step' }>;

/** A process of the trace: the coordinator, or the workers of one host. */
interface Place {
  readonly pid: number;
  readonly tid: number;
}

const COORDINATOR: Place = { pid: 1, tid: 1 };
const OPTIMIZER: Place = { pid: 1, tid: 2 };
const SUM: Place = { pid: 1, tid: 3 };

/** Makes the trace; times begin with the first thing in it. */
export function chromeTrace(sources: TraceSources) {
  const { run, events, steps } = sources;
  const isShown = (step: number) => steps === undefined || (step >= steps.from && step <= steps.to);
  const activities = sources.activities.filter(({ kind, step }) => isShown(stepOf(kind, step)));
  const shownSteps = events.filter(
    (event): event is Step => event.type === 'step' && isShown(event.step),
  );
  const startMs = Math.min(
    ...activities.slice(0, 1).map(({ atMs }) => atMs),
    ...shownSteps.slice(0, 1).map((step) => Date.parse(step.time) - step.timings.wallMs),
  );
  const us = (ms: number) => Math.max(0, Math.round((ms - startMs) * 1000));
  const places = workerPlaces(activities, events);
  return {
    displayTimeUnit: 'ms',
    otherData: { run, start: new Date(Number.isFinite(startMs) ? startMs : 0).toISOString() },
    traceEvents: [
      ...names(run, places),
      ...stepRecords(shownSteps, us),
      ...[...places].flatMap(([worker, place]) =>
        workerRecords(
          activities.filter((activity) => activity.worker === worker),
          place,
          us,
        ),
      ),
    ],
  };
}

/** Activities name a step of the training by its index; people count steps from 1. */
const stepOf = (kind: WorkKind, step: number) => (kind === 'train' ? step + 1 : step);

/** A process for each host, a lane for each of its workers. */
function workerPlaces(activities: readonly TimedActivity[], events: readonly TimedEvent[]) {
  const hosts = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'worker' && event.host !== undefined) hosts.set(event.worker, event.host);
  }
  const known: string[] = [];
  const places = new Map<string, Place & { readonly host: string }>();
  for (const worker of [...new Set(activities.map(({ worker }) => worker))].sort()) {
    const host = hosts.get(worker) ?? 'workers';
    if (!known.includes(host)) known.push(host);
    places.set(worker, { host, pid: known.indexOf(host) + 2, tid: places.size + 1 });
  }
  return places;
}

function names(run: string, places: ReadonlyMap<string, Place & { readonly host: string }>) {
  const name = (what: string, { pid, tid }: Place, text: string): TraceRecord => {
    return { ph: 'M', name: what, pid, tid, args: { name: text } };
  };
  return [
    name('process_name', COORDINATOR, `coordinator of ${run}`),
    name('thread_name', COORDINATOR, 'steps'),
    name('thread_name', OPTIMIZER, 'optimizer'),
    name('thread_name', SUM, 'sum of gradients'),
    ...[...places].flatMap(([worker, place]) => [
      name('process_name', place, place.host),
      name('thread_name', place, worker),
    ]),
  ];
}

/**
 * A step ends when it is reported; the optimizer is the last part of it. Times of reports are rounded, so a span begins
 * where the one before it ends at the earliest: viewers drop one that reaches into another.
 */
function stepRecords(steps: readonly Step[], us: (ms: number) => number): TraceRecord[] {
  const ends = new Map<Place, number>();
  return steps.flatMap(({ step, time, timings, loss }) => {
    const span = (place: Place, name: string, endsMs: number, ms: number): TraceRecord => {
      const ts = Math.max(ends.get(place) ?? 0, us(endsMs - ms));
      const end = Math.max(ts, us(endsMs));
      ends.set(place, end);
      return { ph: 'X', name, cat: 'step', ...place, ts, dur: end - ts, args: { step, loss } };
    };
    const endMs = Date.parse(time);
    const { wallMs, optimizerMs, sumMs } = timings;
    return [
      span(COORDINATOR, `step ${step}`, endMs, wallMs),
      span(OPTIMIZER, 'optimizer', endMs, optimizerMs),
      // Additions run while nodes arrive: shown as one span before the optimizer.
      span(SUM, 'sum', endMs - optimizerMs, sumMs),
    ];
  });
}

/** The spans of a worker, and an arrow from each assignment to the delivery of what it asked for. */
function workerRecords(
  activities: readonly TimedActivity[],
  { pid, tid }: Place,
  us: (ms: number) => number,
): TraceRecord[] {
  const spans = laneSpans(activities).map(({ part, fromMs, toMs, kind, step, ...leaves }) => {
    const ts = us(fromMs);
    const args = { kind, step: stepOf(kind, step), ...leaves };
    return { ph: 'X', name: part, cat: kind, pid, tid, ts, dur: us(toMs) - ts, args };
  });
  return [...spans, ...arrows(activities, { pid, tid }, us)];
}

function arrows(
  activities: readonly TimedActivity[],
  { pid, tid }: Place,
  us: (ms: number) => number,
): TraceRecord[] {
  const records: TraceRecord[] = [];
  let lease: Extract<TimedActivity, { type: 'assigned' }> | undefined;
  for (const activity of activities) {
    if (activity.type === 'assigned') {
      if (activity.ranges.length > 0) lease = activity;
      continue;
    }
    const { kind, step, first, atMs } = activity;
    if (lease === undefined || lease.kind !== kind || lease.step !== step) continue;
    const flow = { cat: 'lease', name: 'lease', id: `${tid}-${kind}-${step}-${first}` };
    const { reason } = lease;
    records.push(
      { ph: 's', ...flow, ...COORDINATOR, ts: us(lease.atMs), args: { reason } },
      { ph: 'f', bp: 'e', ...flow, pid, tid, ts: us(atMs) },
    );
  }
  return records;
}
