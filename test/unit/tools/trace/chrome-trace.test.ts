/** @file A run as Chrome trace JSON. */
import { expect, it } from 'vitest';
import type { TimedActivity } from '../../../../shared/runs/activity.ts';
import { type TimedEvent, timedEventSchema } from '../../../../shared/runs/events.ts';
import { chromeTrace } from '../../../../tools/trace/chrome-trace.ts';

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
const at = (ms: number) => new Date(START_MS + ms).toISOString();

const EVENTS: readonly TimedEvent[] = [
  { type: 'worker', worker: 'w1', what: 'joined', reason: '', workers: 1, host: 'a', time: at(0) },
  { type: 'worker', worker: 'w2', what: 'joined', reason: '', workers: 2, host: 'b', time: at(0) },
  ...[1, 2].map((step) =>
    timedEventSchema.parse({
      ...{ type: 'step', step, epoch: 1, loss: 2, accuracy: 0.5, learningRate: 1e-3 },
      ...{ gradientNorm: 1, imagesPerSecond: 10, time: at(step * 100) },
      timings: { wallMs: 100, optimizerMs: 10, sumMs: 5 },
    }),
  ),
];

const ACTIVITIES = ['w1', 'w2'].flatMap((worker): TimedActivity[] =>
  [0, 1].flatMap((step): TimedActivity[] => {
    const place = { worker, kind: 'train', step } as const;
    const timings = { pullMs: 10, fetchMs: 0, computeMs: 70, pushMs: 0, idleMs: 0 };
    return [
      {
        ...{ type: 'assigned', ...place, ranges: [{ first: 0, count: 1 }], reason: 'new round' },
        atMs: START_MS + step * 100,
      },
      {
        ...{ type: 'delivered', ...place, first: 0, count: 1, samples: 8, timings },
        atMs: START_MS + step * 100 + 80,
      },
    ];
  }),
);

const trace = (steps?: { from: number; to: number }) =>
  chromeTrace({ run: 'digits', activities: ACTIVITIES, events: EVENTS, steps }).traceEvents;

it('has a process for each host and a lane for each worker', () => {
  const named = trace().filter(({ ph }) => ph === 'M');
  const textOf = (what: string) =>
    named.filter(({ name }) => name === what).map(({ args }) => (args as { name: string }).name);
  expect(textOf('process_name')).toEqual(['coordinator of digits', 'a', 'b']);
  expect(textOf('thread_name')).toEqual(['steps', 'optimizer', 'sum of gradients', 'w1', 'w2']);
});

it('has spans in microseconds from the first thing in it', () => {
  const spans = trace().filter(({ ph, pid, tid }) => ph === 'X' && pid === 2 && tid === 1);
  expect(spans.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
    ['pull', 0, 10_000],
    ['compute', 10_000, 70_000],
    ['pull', 100_000, 10_000],
    ['compute', 110_000, 70_000],
  ]);
  const steps = trace().filter(({ name }) => String(name).startsWith('step '));
  expect(steps.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
    ['step 1', 0, 100_000],
    ['step 2', 100_000, 100_000],
  ]);
});

it('has no span that reaches into another of its lane, though times of reports are rounded', () => {
  const late = EVENTS.map((event) =>
    event.type === 'step'
      ? { ...event, timings: { ...event.timings, wallMs: 100.6, optimizerMs: 101, sumMs: 102 } }
      : event,
  );
  const { traceEvents } = chromeTrace({ run: 'digits', activities: ACTIVITIES, events: late });
  const ends = new Map<string, number>();
  for (const { ph, pid, tid, ts, dur } of traceEvents) {
    if (ph !== 'X') continue;
    const lane = `${pid} ${tid}`;
    expect(ts).toBeGreaterThanOrEqual(ends.get(lane) ?? 0);
    ends.set(lane, Number(ts) + Number(dur));
  }
  expect(ends.size).toBe(5);
});

it('has an arrow from each lease to what was delivered', () => {
  const flows = trace().filter(({ cat }) => cat === 'lease');
  expect(flows).toHaveLength(8);
  const ends = flows.filter(({ ph }) => ph === 'f').map(({ id }) => id);
  expect(flows.filter(({ ph }) => ph === 's').map(({ id }) => id)).toEqual(ends);
  expect(new Set(ends).size).toBe(4);
});

it('shows the steps that are asked for, and is empty without any', () => {
  const shown = trace({ from: 2, to: 2 }).filter(({ ph }) => ph === 'X');
  expect(new Set(shown.map(({ args }) => (args as { step: number }).step))).toEqual(new Set([2]));
  expect(trace({ from: 7, to: 9 }).filter(({ ph }) => ph !== 'M')).toEqual([]);
});
