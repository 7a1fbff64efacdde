import { beforeEach, describe, expect, it } from 'vitest';
import { Run } from '../../../../coordinator/core/run.ts';
import { nodeOf, PLAN } from '../../../support/core-scene.ts';

const DIVERGED = {
  code: 'NON_FINITE',
  reason: 'the loss is NaN at step 1',
  hint: 'lower the learning rate',
};
const ENDS = [{ type: 'fail', error: DIVERGED }];

let nowMs = 0;
let run: Run;
beforeEach(() => {
  nowMs = 0;
  run = new Run(PLAN, { version: 0, known: [] });
});

/** Workers that are ready at once, and one tick. */
function ready(...workers: string[]) {
  for (const worker of workers) run.handle({ type: 'workerReady', worker }, nowMs);
  return run.handle({ type: 'tick' }, nowMs);
}

/** A worker leaves with an error; answers how the run ends, if it does. */
function fails(worker: string, by = worker, error = DIVERGED) {
  const failure = { by, error };
  return endIn(run.handle({ type: 'workerGone', worker, failure }, nowMs));
}

/** Time passes while so many are connected. */
function passes(durationMs: number, numConnected: number) {
  for (const endMs = nowMs + durationMs; nowMs < endMs; ) {
    nowMs += 100;
    const end = endIn(run.handle({ type: 'tick', numConnected }, nowMs));
    if (end.length > 0) return end;
  }
  return [];
}

const endIn = (effects: readonly { type: string }[]) =>
  effects.filter(({ type }) => type === 'fail');

describe('an error that another try gives again', () => {
  it('of two workers ends the run with it, whoever else is at work', () => {
    ready('w1', 'w2', 'w3');
    expect(fails('w1')).toEqual([]);
    expect(fails('w2')).toEqual(ENDS);
    expect(run.handle({ type: 'tick' }, nowMs), 'that was its end').toEqual([]);
  });

  it('of one worker is the machine of that one, while others are at work', () => {
    ready('w1', 'w2');
    expect(fails('w1')).toEqual([]);
    ready('w3');
    expect(fails('w3', 'w1')).toEqual([]);
  });

  it('of two workers without names on one machine ends the run, if both were there at once', () => {
    ready('w1', 'w2', 'w3');
    expect(fails('w1', 'a worker on host')).toEqual([]);
    ready('w4');
    expect(fails('w4', 'a worker on host'), 'it may be w1 again').toEqual([]);
    expect(fails('w2', 'a worker on host')).toEqual(ENDS);
  });

  it('of the only worker, and of the one that is started in its place, ends the run', () => {
    ready('w1');
    expect(fails('w1')).toEqual([]);
    expect(passes(60_000, 1), 'it is on the way').toEqual([]);
    ready('w1');
    expect(fails('w1')).toEqual(ENDS);
  });

  it('of the only worker ends the run within 10 s when nobody comes in its place', () => {
    ready('w1');
    expect(fails('w1')).toEqual([]);
    expect(passes(10_000, 0)).toEqual(ENDS);
    expect(nowMs).toBeLessThan(7_000);
  });

  it('is not the end when somebody tries again and is lost for another reason', () => {
    ready('w1');
    fails('w1');
    ready('w1');
    run.handle({ type: 'workerGone', worker: 'w1' }, nowMs);
    expect(passes(60_000, 0)).toEqual([]);
  });

  it('counts no more once others have computed the round', () => {
    ready('w1', 'w2');
    fails('w1');
    run.handle({ type: 'nodeArrived', worker: 'w2', node: nodeOf('train', 0, 0, 4) }, nowMs);
    run.handle({ type: 'stepApplied', stepIndex: 0 }, nowMs);
    ready('w3');
    expect(fails('w2')).toEqual([]);
    expect(fails('w3')).toEqual(ENDS);
  });

  it('counts only with its like, and only of those at work', () => {
    ready('w1', 'w2', 'w3');
    expect(fails('w1')).toEqual([]);
    expect(fails('w2', 'w2', { ...DIVERGED, code: 'MESSAGE_INVALID' })).toEqual([]);
    expect(fails('never ready')).toEqual([]);
    expect(fails('w3')).toEqual(ENDS);
  });
});
