/** @file What a run remembers of its workers is bounded, and is told once. */
import { expect, it } from 'vitest';
import type { CoordinatorEvent } from '../../../coordinator/events.ts';
import { RunNotes } from '../../../coordinator/run-notes.ts';
import { createLog } from '../../../shared/host/log.ts';

function notes() {
  const events: CoordinatorEvent[] = [];
  const logged: string[] = [];
  const destination = { write: (line: string) => logged.push(line) };
  const log = createLog({ component: 'test', level: 'warn', destination });
  return { notes: new RunNotes(log, (event) => events.push(event)), events, logged };
}

it('an image that cannot be read is told once, by an event', () => {
  const { notes: run, events, logged } = notes();
  const bad = { index: 3, reason: 'cut short' };
  const timings = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 };
  const totals = { lossSum: 0, correct: 0, samples: 1, timings, badSamples: [bad] };
  const node = { step: 0, version: 0, first: 0, count: 1, ...totals };
  for (const kind of ['train', 'train', 'evaluate'] as const) run.unreadable({ ...node, kind });
  expect(run.numBadSamples).toBe(2);
  expect(events).toMatchObject([{ name: 'train sample 3' }, { name: 'test sample 3' }]);
  expect(logged).toEqual([]);
});

it('workers that call their engines ever other names fill no memory', () => {
  const { notes: run, logged } = notes();
  for (let number = 0; number < 100; number += 1) run.engine(`engine ${number}, threads 2`);
  expect(run.engines).toHaveLength(16);
  expect(logged.at(-1)).toContain('not bit-reproducible');
});
