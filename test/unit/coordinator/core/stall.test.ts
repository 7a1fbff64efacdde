/** @file When a run is said to stand still, and what is said of it. */
import { describe, expect, it } from 'vitest';
import { type OpenWork, StallWatch } from '../../../../coordinator/core/stall.ts';
import {
  type StalledWorker,
  type StallFacts,
  stallText,
} from '../../../../coordinator/core/stall-text.ts';
import { Transfers } from '../../../../coordinator/service/transfer-limit.ts';

const WORK: OpenWork = {
  task: 'train',
  tasksLeft: 1,
  version: 11,
  totalSteps: 40,
  isAwaited: false,
  leaves: { all: 8, open: 5 },
  missing: 0,
};
const open = (numOpen: number): Partial<OpenWork> => ({ leaves: { all: 8, open: numOpen } });

/** A watch over a run; `until` ticks each second with the same work, and answers what was said, by the second. */
function watch() {
  const stalls = new StallWatch({ stallMs: 60_000, silenceMs: 10_000 }, 0);
  let nowS = 0;
  const until = (second: number, some: Partial<OpenWork> = {}): string[] => {
    const said: string[] = [];
    for (nowS += 1; nowS <= second; nowS += 1) {
      const news = stalls.tick({ ...WORK, ...some }, nowS * 1000);
      if (news !== undefined) said.push(`${nowS} ${news.say} ${news.afterMs / 1000}`);
    }
    nowS = second;
    return said;
  };
  const sleep = (seconds: number) => {
    nowS += seconds;
  };
  return { stalls, until, sleep };
}

describe('that nothing moves is said', () => {
  it('after the stated time, then with growing pauses, and taken back once something is completed', () => {
    const { stalls, until } = watch();
    expect(until(60)).toEqual([]);
    expect(stalls.isStalled).toBe(false);
    expect(until(500)).toEqual([
      '61 stalled 60',
      '121 stalled 120',
      '241 stalled 240',
      '481 stalled 480',
    ]);
    expect(stalls.isStalled).toBe(true);
    expect(until(501, { version: 12 })).toEqual(['501 over 500']);
    expect(until(560, { version: 12 })).toEqual([]);
  });

  it('also while nodes come, since a step is what counts', () => {
    const { until } = watch();
    for (let leaf = 0; leaf < 6; leaf += 1)
      expect(until(10 * leaf + 10, open(8 - leaf))).toEqual([]);
    expect(until(61, open(2))).toEqual(['61 stalled 60']);
  });

  it('not of an evaluation whose parts come', () => {
    const { until } = watch();
    for (let part = 1; part < 9; part += 1)
      expect(until(50 * part, { task: 'test', ...open(9 - part) })).toEqual([]);
    expect(until(470, { task: 'test', ...open(1) })).toHaveLength(1);
  });

  it('of a run whose steps take long by nature, once they take three times as long as the last', () => {
    const { until } = watch();
    const slow = (from: number, version: number) =>
      [0, 1, 2, 3].flatMap((at) => until(from + 25 * (at + 1), { version, ...open(8 - at) }));
    expect(slow(0, 11)).toEqual(['61 stalled 60']);
    expect(slow(100, 12)).toEqual(['101 over 100']);
    expect(slow(200, 13)).toEqual([]);
    expect(until(600, { version: 13, ...open(5) })).toEqual(['501 stalled 300']);
  });

  it('not of our own sleep', () => {
    const { until, sleep } = watch();
    expect(until(30)).toEqual([]);
    sleep(3600);
    expect(until(3660)).toEqual([]);
    expect(until(3665)).toEqual(['3662 stalled 60']);
  });

  it.each([
    ['checkpoint', { task: 'save', tasksLeft: 2 }],
    ['optimizer step', { isAwaited: true }],
    ['worker', { missing: 2, leaves: undefined }],
  ] as const)('of a %s that does not come, too', (_what, some) =>
    expect(watch().until(70, some)).toHaveLength(1),
  );

  it('never once all is done', () => {
    expect(watch().until(999, { task: undefined })).toEqual([]);
  });
});

const worker = (name: string, some: Partial<StalledWorker>): StalledWorker => ({
  ...{ worker: name, state: 'idle', sinceMs: 80_000, silentMs: 400, leaves: [], lastError: '' },
  transfers: [],
  ...some,
});
const facts = (some: Partial<StallFacts>): StallFacts => ({
  ...{ work: WORK, stalledMs: 61_000, workers: [], gone: undefined, refused: undefined },
  ...{ place: 'runs/x/checkpoints', ...some },
});
const HOLDER = worker('w1', {
  state: 'holding',
  sinceMs: 58_000,
  leaves: [{ first: 3, count: 3 }],
  lastError: 'TIMEOUT: pulling took 120 s',
});

it('transfers are told of when the first begins, and when the last is over', () => {
  const told: unknown[] = [];
  const pulls = new Transfers('pulls', 2, (...news) => told.push(news));
  const [first, second] = [pulls.begin('w1'), pulls.begin('w1')];
  first();
  expect(told).toEqual([['w1', 'pulls', true]]);
  second();
  expect(told).toEqual([
    ['w1', 'pulls', true],
    ['w1', 'pulls', false],
  ]);
});

describe('what is said of it', () => {
  it.each<[string, Partial<StallFacts>]>([
    [
      'who holds what',
      { workers: [worker('w2', {}), worker('w3', { state: 'preparing' }), HOLDER] },
    ],
    [
      'who pulls',
      { workers: [{ ...HOLDER, lastError: '', transfers: [{ kind: 'pulls', sinceMs: 57_000 }] }] },
    ],
    ['who is silent', { workers: [{ ...HOLDER, silentMs: 9_000, lastError: '' }] }],
    ['that nobody has come', { work: { ...WORK, leaves: undefined, missing: 1 } }],
    [
      'who went, and who was not let in',
      {
        work: { ...WORK, leaves: undefined, missing: 2 },
        workers: [worker('w2', {})],
        gone: { who: 'w1', reason: 'no message for 10 s', agoMs: 9_000 },
        refused: { who: 'w9 on far', reason: 'PROTOCOL_MISMATCH: another model', agoMs: 600_000 },
      },
    ],
    ['the disk', { work: { ...WORK, task: 'save', isAwaited: true } }],
    ['the disk that is read', { work: { ...WORK, task: 'test', isAwaited: true } }],
    ['the optimizer', { work: { ...WORK, isAwaited: true } }],
    ['an evaluation', { work: { ...WORK, task: 'validate' }, workers: [HOLDER] }],
    [
      'the first of many',
      {
        workers: Array.from({ length: 4096 }, (_, at) => worker(`w${at}`, at === 99 ? HOLDER : {})),
      },
    ],
  ])('%s', (_what, some) => expect(stallText(facts(some))).toMatchSnapshot());

  it('is one line that commands no terminal, and bounded', () => {
    const lastError = `x\u001b[2J\n${'y'.repeat(9999)}`;
    const leaves = Array.from({ length: 999 }, (_, at) => ({ first: 2 * at, count: 1 }));
    const text = stallText(facts({ workers: [{ ...HOLDER, lastError, leaves }] }));
    expect(text).not.toMatch(/\p{Cc}/u);
    expect(text.length).toBeLessThan(500);
  });
});
