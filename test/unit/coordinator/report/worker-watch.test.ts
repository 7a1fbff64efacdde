/** @file The pace of workers, who is slow and why, who is waited for. */
import { describe, expect, it } from 'vitest';
import { RoundClock, waitingText } from '../../../../coordinator/report/waiting.ts';
import { WorkerPace } from '../../../../coordinator/report/worker-pace.ts';
import { WorkerWatch } from '../../../../coordinator/report/worker-watch.ts';
import type { NodeHeader, WorkerTimings } from '../../../../shared/contract/messages.ts';
import type { RunEvent } from '../../../../shared/runs/events.ts';

const TIMES: WorkerTimings = { pullMs: 10, fetchMs: 10, computeMs: 70, pushMs: 10, idleMs: 0 };

function node(step: number, timings: Partial<WorkerTimings> = {}, samples = 10): NodeHeader {
  return {
    ...{ kind: 'train', step, version: step, first: 0, count: 1 },
    ...{ samples, lossSum: 1, correct: 1, badSamples: [], gradientType: 'f32' },
    timings: { ...TIMES, ...timings },
  };
}

/** Steps of 100 ms of three workers; the times of `c` are as given. */
function paceWith(steps: number, ofC: (step: number) => Partial<WorkerTimings>) {
  const pace = new WorkerPace();
  const notices = [];
  for (let step = 0; step < steps; step += 1) {
    for (const worker of ['a', 'b']) pace.delivered(worker, node(step), step * 100);
    pace.delivered('c', node(step, ofC(step)), step * 100);
    notices.push(...pace.stepDone().map((notice) => ({ step, ...notice })));
  }
  return { pace, notices };
}

describe('the pace of a worker', () => {
  it('is that of its last steps, with the shares of its time', () => {
    const { pace } = paceWith(50, (step) => (step < 25 ? { computeMs: 1000 } : {}));
    const { imagesPerSecond, shares, ratio } = pace.of('c', false, 5000);
    expect(imagesPerSecond).toBeCloseTo(100);
    expect(ratio).toBeCloseTo(1);
    expect(shares).toEqual({ pull: 0.1, fetch: 0.1, compute: 0.7, push: 0.1, idle: 0 });
  });

  it('falls while it is late with work that it holds, and not while it holds none', () => {
    const { pace } = paceWith(5, () => ({}));
    expect(pace.of('c', true, 10_400).imagesPerSecond).toBeLessThan(10);
    expect(pace.of('c', false, 10_400).imagesPerSecond).toBeCloseTo(100);
  });

  it('is not a number before its first node', () => {
    const { imagesPerSecond, shares, ratio } = new WorkerPace().of('a', true, 100);
    expect([imagesPerSecond, shares.compute, ratio]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it('adds up the nodes of one step', () => {
    const pace = new WorkerPace();
    for (const _ of [0, 1]) pace.delivered('a', node(0), 0);
    expect(pace.of('a', false, 0).imagesPerSecond).toBeCloseTo(100);
  });
});

describe('a slow worker', () => {
  it('is named once, within three steps, with the part that makes it slow', () => {
    const { notices } = paceWith(30, (step) => (step < 10 ? {} : { computeMs: 200 }));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatchObject({ worker: 'c', state: 'raised' });
    expect(notices[0]?.step).toBeLessThanOrEqual(12);
    expect(notices[0]?.sentence).toMatch(
      /^takes \d\.\d times as long for an image as the other workers, most of it in computing: /,
    );
  });

  it.each([
    ['fetching and decoding images', { fetchMs: 300 }],
    ['exchanging parameters and gradients', { pushMs: 200, pullMs: 100 }],
  ])('may be so by %s', (words, times) => {
    expect(paceWith(10, () => times).notices[0]?.sentence).toContain(words);
  });

  it('is none whose first steps were slow', () => {
    expect(paceWith(20, (step) => (step < 5 ? { computeMs: 900 } : {})).notices).toEqual([]);
  });

  it('is no longer slow once it is about as fast again, and may become slow again', () => {
    const isSlow = (step: number) => step % 20 < 10;
    const { notices } = paceWith(40, (step) => (isSlow(step) ? { computeMs: 300 } : {}));
    expect(notices.map(({ state }) => state)).toEqual(['raised', 'over', 'raised', 'over']);
  });

  it('is none that waits, or that computes fewer images', () => {
    expect(paceWith(10, () => ({ idleMs: 900 })).notices).toEqual([]);
    const pace = new WorkerPace();
    for (let step = 0; step < 5; step += 1) {
      pace.delivered('a', node(step), 0);
      const half = { pullMs: 5, fetchMs: 5, computeMs: 35, pushMs: 5, idleMs: 50 };
      pace.delivered('b', node(step, half, 5), 0);
      expect(pace.stepDone()).toEqual([]);
    }
  });

  it('has nothing to be compared with where it is alone', () => {
    const pace = new WorkerPace();
    for (let step = 0; step < 5; step += 1) pace.delivered('a', node(step), 0);
    expect(pace.stepDone()).toEqual([]);
    expect(pace.of('a', false, 0).ratio).toBeNaN();
  });
});

describe('who is waited for', () => {
  const HOLDER = { worker: 'w3', host: 'b', numLeaves: 4 };

  it('is named once the round is later than usual', () => {
    const rounds = new RoundClock();
    for (let step = 0; step < 9; step += 1) {
      rounds.began(`train ${step}`, step * 1000);
      rounds.ended(step * 1000 + 900);
    }
    rounds.began('train 9', 9000);
    rounds.began('train 9', 9500);
    expect(rounds.lateMs(10_000)).toBe(0);
    const text = waitingText('step 10', rounds.lateMs(12_000), [HOLDER]);
    expect(text).toBe('step 10 waits for w3 on b: 4 leaves, 2.1 s late');
  });

  it('is not known in the first round', () => {
    const rounds = new RoundClock();
    rounds.began('train 0', 0);
    expect(rounds.lateMs(100_000)).toBe(0);
  });

  it('are the three that hold most, and the number of the others', () => {
    const holders = [1, 9, 2, 3, 4].map((numLeaves, place) => ({
      ...{ worker: `w${place}`, host: 'h', numLeaves },
    }));
    expect(waitingText('step 1', 900, holders)).toBe(
      'step 1 waits for w1 on h: 9 leaves; w4 on h: 4 leaves; w3 on h: 3 leaves; and 2 more workers, 0.9 s late',
    );
    expect(waitingText('step 1', 900, [])).toBe('');
  });
});

describe('the watch', () => {
  it('says that a worker is slow once in ten minutes, and its end where that was said', () => {
    let nowMs = 0;
    const events: { readonly type: string; readonly state?: string }[] = [];
    const workers = ['a', 'b', 'c'].map((worker) => ({ worker, host: 'h', memoryBytes: 0 }));
    const watch = new WorkerWatch({
      run: { heldBy: () => undefined, work: { leaves: undefined } },
      roster: { sessions: { all: () => workers } },
      clock: { nowMs: () => nowMs },
      log: { info: () => {} },
      onEvent: (event: RunEvent) => events.push(event),
    } as unknown as ConstructorParameters<typeof WorkerWatch>[0]);
    const steps = (count: number, computeMs: number) => {
      for (let step = 0; step < count; step += 1, nowMs += 100) {
        for (const worker of ['a', 'b']) watch.delivered(worker, node(nowMs));
        watch.delivered('c', node(nowMs, { computeMs }));
        watch.stepDone(step);
      }
    };
    const said = () => events.flatMap(({ type, state }) => (type === 'slowWorker' ? [state] : []));
    steps(5, 70);
    for (const _ of [0, 1, 2]) {
      steps(5, 400);
      expect(watch.whySlow('c')).toContain('times as long');
      steps(5, 70);
      expect(watch.whySlow('c')).toBe('');
    }
    expect(said()).toEqual(['raised', 'over']);
    nowMs += 600_000;
    steps(5, 400);
    expect(said()).toEqual(['raised', 'over', 'raised']);
  });
});
