/** @file What a coordinator takes of its workers' logs: each line once, in bounds that no worker can widen. */
import { describe, expect, it } from 'vitest';
import { WorkerLogs } from '../../../../coordinator/workers/worker-logs.ts';
import type { LogLine } from '../../../../shared/contract/messages.ts';
import type { RunEvent } from '../../../../shared/runs/events.ts';

const ANNA = { worker: 'anna', host: 'a', instance: 'i-1' };
const line = (number: number, leftOut = 0): LogLine => ({
  ...{ number, leftOut, ageMs: 5, level: 'warn', text: `line ${number}` },
});
const lines = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => line(first + at));

/** The logs of a coordinator, and what is said of them; time passes when it is told. */
function bench() {
  let nowMs = 0;
  const said: Extract<RunEvent, { type: 'workerLog' }>[] = [];
  const logs = new WorkerLogs({
    clock: { nowMs: () => nowMs, every: () => () => {}, sleep: () => Promise.resolve() },
    onEvent: (event) => {
      if (event.type === 'workerLog') said.push(event);
    },
  });
  const texts = () => said.splice(0).map(({ worker, text }) => `${worker}: ${text}`);
  return { logs, said, texts, pass: (ms: number) => (nowMs += ms) };
}

describe('a line is taken', () => {
  it('once, whatever is sent again, and acknowledged', () => {
    const { logs, texts } = bench();
    expect(logs.take(ANNA)).toBe(0);
    expect(logs.take(ANNA, lines(1, 2))).toBe(2);
    expect(logs.take(ANNA, lines(1, 3))).toBe(3);
    expect(logs.take(ANNA, lines(2, 2))).toBe(3);
    expect(logs.take(ANNA)).toBe(3);
    expect(texts()).toEqual(['anna: line 1', 'anna: line 2', 'anna: line 3']);
  });

  it('with who wrote it, where, how bad it is and how old', () => {
    const { logs, said } = bench();
    logs.take(ANNA, [{ ...line(1), level: 'error' }]);
    expect(said).toEqual([
      { type: 'workerLog', worker: 'anna', host: 'a', level: 'error', text: 'line 1', ageMs: 5 },
    ]);
  });

  it('from a worker of a coordinator before, without a word on those that it has', () => {
    const { logs, texts } = bench();
    logs.take(ANNA, [line(57), line(58)]);
    expect(texts()).toEqual(['anna: line 57', 'anna: line 58']);
  });
});

describe('what is left out is counted', () => {
  it('by the worker, each line once', () => {
    const { logs, texts } = bench();
    logs.take(ANNA, [line(9, 8)]);
    expect(texts()).toEqual(['anna: 8 lines left out', 'anna: line 9']);
    // Line 9 is among the three that the worker has not kept: it did not know that it had arrived.
    logs.take(ANNA, [line(12, 3)]);
    expect(texts()).toEqual(['anna: 2 lines left out', 'anna: line 12']);
    logs.take(ANNA, [line(13, 13)]);
    expect(texts()).toEqual(['anna: line 13']);
  });

  it('where a worker says too much, with the next line that there is room for', () => {
    const { logs, said, texts, pass } = bench();
    logs.take(ANNA, lines(1, 100));
    expect(texts()).toHaveLength(60);
    pass(5_000);
    logs.take(ANNA, lines(101, 101));
    expect(said).toMatchObject([{ text: '40 lines left out', leftOut: 40 }, { text: 'line 101' }]);
  });

  it('or when it goes', () => {
    const { logs, texts } = bench();
    logs.take(ANNA, lines(1, 61));
    texts();
    logs.gone(ANNA);
    expect(texts()).toEqual(['anna: 1 line left out']);
    logs.gone(ANNA);
    expect(texts()).toEqual([]);
  });

  it('one that says too much takes no room from another, and all together have a bound', () => {
    const { logs, texts } = bench();
    const speaker = (number: number) => ({
      worker: `w${number}`,
      host: 'a',
      instance: `i-${number}`,
    });
    logs.take(speaker(1), lines(1, 10_000));
    expect(texts()).toHaveLength(60);
    logs.take(speaker(2), lines(1, 3));
    expect(texts()).toHaveLength(3);
    for (let number = 3; number < 100; number += 1) {
      logs.take(speaker(number), lines(1, 60));
      logs.lastWords(speaker(number), { code: 'INTERNAL', reason: 'spam', hint: '' });
      logs.gone(speaker(number));
    }
    expect(texts().length).toBeLessThanOrEqual(600);
  });
});

it('the last words of a worker are its error, on one line', () => {
  const { logs, said } = bench();
  logs.take(ANNA, lines(1, 100));
  said.length = 0;
  logs.lastWords(ANNA, { code: 'ENGINE_UNAVAILABLE', reason: 'no such device', hint: 'try cpu' });
  expect(said).toMatchObject([
    { text: '40 lines left out' },
    { level: 'fatal', text: 'ENGINE_UNAVAILABLE: no such device (try cpu)' },
  ]);
});
