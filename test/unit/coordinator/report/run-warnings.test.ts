/** @file What a run remembers of its workers and samples is bounded, and is told once. */

import { expect, it } from 'vitest';
import { RunWarnings } from '../../../../coordinator/report/run-warnings.ts';
import type { NodeHeader } from '../../../../shared/contract/messages.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import type { RunEvent } from '../../../../shared/runs/events.ts';

function node(kind: 'train' | 'test', first: number, count: number): NodeHeader {
  const badSamples = Array.from({ length: count }, (_, at) => {
    return { index: first + at, reason: 'cannot decode it' };
  });
  return { kind, badSamples } as unknown as NodeHeader;
}

it('10,000 unreadable samples are counted, each once, and neither log nor metrics name them all', () => {
  const lines: string[] = [];
  const events: RunEvent[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notes = new RunWarnings(createLog({ component: 'test', destination }), (event) => {
    events.push(event);
  });
  for (let epoch = 0; epoch < 2; epoch += 1) {
    for (let first = 0; first < 9_000; first += 100) notes.unreadable(node('train', first, 100));
    for (let first = 0; first < 1_000; first += 100) notes.unreadable(node('test', first, 100));
  }
  expect(notes.numUnreadable).toBe(10_000);
  expect(events).toHaveLength(1000);
  expect(events[0]).toEqual({
    type: 'badSample',
    name: 'train sample 0',
    reason: 'cannot decode it',
  });
  expect(lines).toHaveLength(1001);
  expect(lines.at(-1)).toContain('further unreadable samples are counted, not named');
  // Whether they end the run is for each new one to decide, named or not.
  expect(notes.unreadable(node('train', 8_999, 2))).toEqual([
    { name: 'train sample 9000', reason: 'cannot decode it' },
  ]);
});

it('a step without a readable sample is told of once, and counted', () => {
  const events: RunEvent[] = [];
  const destination = { write: () => {} };
  const notes = new RunWarnings(createLog({ component: 'test', destination }), (event) => {
    events.push(event);
  });
  for (const step of [3, 5, 9]) notes.emptyStep(step);
  expect(notes.emptySteps).toBe(3);
  expect(events).toEqual([{ type: 'emptyStep', step: 3 }]);
});

it('one engine on processors of two kinds is warned of, once, and is still one engine', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notes = new RunWarnings(createLog({ component: 'test', destination }), () => {});
  for (const processor of ['Intel', 'Intel', 'AMD', 'Intel', 'AMD']) notes.engine('cpu', processor);
  expect(notes.engines).toEqual(['cpu']);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('processors differ: results are not bit-reproducible');
  expect(lines[0]).toContain('cpu on AMD');
});

it('workers that call their engines ever other names fill no memory', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notes = new RunWarnings(createLog({ component: 'test', destination }), () => {});
  for (let number = 0; number < 100; number += 1) notes.engine(`engine ${number}`);
  expect(notes.engines).toHaveLength(16);
  expect(lines.at(-1)).toContain('not bit-reproducible');
});
