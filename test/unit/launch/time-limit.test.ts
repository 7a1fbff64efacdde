/** @file The time that a run is given: which limit counts, and how long before it the run ends. */
import { describe, expect, it } from 'vitest';
import { marginMs, timeLimit, watchTimeLimit } from '../../../launch/time-limit.ts';
import type { Clock } from '../../../shared/core/clock.ts';

const HOUR_MS = 3_600_000;
const WALL_MS = 1_800_000_000_000;
const facts = { limitMs: undefined, env: {}, nowMs: 1_000, wallMs: WALL_MS };
const endOfJob = (ms: number) => ({ SLURM_JOB_END_TIME: String((WALL_MS + ms) / 1000) });

describe('the time limit', () => {
  it('is that of the flag, from the start of the process, or the end of the Slurm job; the earlier counts', () => {
    expect(timeLimit(facts)).toBeUndefined();
    const flag = { atMs: 2 * HOUR_MS, name: '--time-limit' };
    const slurm = { atMs: HOUR_MS + 1_000, name: 'SLURM_JOB_END_TIME' };
    expect(timeLimit({ ...facts, limitMs: 2 * HOUR_MS })).toEqual(flag);
    expect(timeLimit({ ...facts, env: endOfJob(HOUR_MS) })).toEqual(slurm);
    const both = { ...facts, limitMs: 2 * HOUR_MS };
    expect(timeLimit({ ...both, env: endOfJob(HOUR_MS) })).toEqual(slurm);
    expect(timeLimit({ ...both, env: endOfJob(3 * HOUR_MS) })).toEqual(flag);
  });

  it.each(['', 'soon', '0', '4294967294', String(WALL_MS / 1000 - 60)])(
    'is not %j in the variable of Slurm: empty, no number, no limit, or of a job that is over',
    (text) => {
      expect(timeLimit({ ...facts, env: { SLURM_JOB_END_TIME: text } })).toBeUndefined();
    },
  );

  it('is refused where it leaves no time to train', () => {
    expect(() => timeLimit({ ...facts, limitMs: 10_000 })).toThrow(/10 s of it are kept/);
  });
});

describe('a run ends before its limit', () => {
  it('by three saves, as they were measured or by the size of the model, and the time to end', () => {
    expect(marginMs({ parameters: 0, longestSeconds: undefined })).toBe(10_000);
    // ViT-L/16, before its first save: 4.9 GB at 50 MB/s.
    const large = marginMs({ parameters: 304e6, longestSeconds: undefined });
    expect(large / 1000).toBeCloseTo(10 + 3 * 97.3, 0);
    expect(marginMs({ parameters: 304e6, longestSeconds: 4 })).toBe(22_000);
  });

  it('with INTERRUPTED, once, and not while nothing is near', () => {
    const clock = new Ticker();
    const watch = watchTimeLimit({ atMs: 100_000, name: 'it' }, { clock, margin: () => 20_000 });
    clock.tick(79_999);
    expect(watch.signal.aborted).toBe(false);
    clock.tick(80_000);
    const { reason } = watch.signal;
    expect(reason).toMatchObject({
      code: 'INTERRUPTED',
      sentence: 'stopped 20 s before its time limit (it)',
    });
    clock.tick(90_000);
    expect(watch.signal.reason).toBe(reason);
    watch.dispose();
    expect(clock.action).toBeUndefined();
  });

  it('never, where there is no limit', () => {
    const clock = new Ticker();
    expect(watchTimeLimit(undefined, { clock, margin: () => 0 }).signal.aborted).toBe(false);
    expect(clock.action).toBeUndefined();
  });
});

/** A clock that is moved by hand. */
class Ticker implements Clock {
  action: (() => void) | undefined;
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.action?.();
  }

  every(_intervalMs: number, action: () => void): () => void {
    this.action = action;
    return () => {
      this.action = undefined;
    };
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error('nothing sleeps here'));
  }
}
