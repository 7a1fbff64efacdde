/** @file What follows the end of the process that works for `tessera worker`. */
import { describe, expect, it } from 'vitest';
import { Keeper } from '../../../launch/keeper.ts';
import { causeOfDeath, type WorkerDeath } from '../../../launch/worker-exit.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { readEngine, readLastError } from '../../../worker/parent/last-error.ts';

const AT_WORK = { lifeMs: 1_000, isLeaving: false };

function death(how: string, more: Partial<WorkerDeath> = {}): WorkerDeath {
  return { name: 'w1', pid: 7, how, cause: undefined, logPath: '', ...more };
}
const aborted = death('signal SIGABRT', {
  code: null,
  signal: 'SIGABRT',
  cause: { sentence: 'most likely by engine xla-cpu: Check failed', hint: 'try it' },
});

describe('a working process', () => {
  it('that ends well, or with a code of its own, ends the worker with it', () => {
    const keeper = new Keeper(3);
    expect(keeper.ended(death('exit code 0', { code: 0 }), AT_WORK)).toEqual({
      type: 'over',
      code: 0,
    });
    expect(keeper.ended(death('exit code 71', { code: 71 }), AT_WORK)).toEqual({
      type: 'over',
      code: 71,
    });
  });

  it('that reports an error ends the worker with it, and is not started again', () => {
    const cause = new TesseraError('PROTOCOL_MISMATCH', 'another model');
    const sequel = new Keeper(3).ended(death('exit code 76', { code: 76, cause }), AT_WORK);
    expect(sequel).toEqual({ type: 'failed', error: cause });
  });

  it('that another process asks to end is obeyed; one that is to leave may end in any way', () => {
    const keeper = new Keeper(3);
    const terminated = death('signal SIGTERM', { code: null, signal: 'SIGTERM' });
    expect(keeper.ended(terminated, AT_WORK)).toEqual({ type: 'over', code: 143 });
    expect(keeper.ended(aborted, { ...AT_WORK, isLeaving: true })).toEqual({
      type: 'over',
      code: 0,
    });
  });

  it('that crashes starts again after a pause that doubles, until the budget is used up', () => {
    const keeper = new Keeper(2);
    expect(keeper.ended(aborted, AT_WORK)).toEqual({ type: 'again', pauseMs: 500, left: 1 });
    expect(keeper.ended(aborted, AT_WORK)).toEqual({ type: 'again', pauseMs: 1_000, left: 0 });
    expect(keeper.ended(aborted, AT_WORK)).toMatchObject({
      type: 'failed',
      error: {
        code: 'WORKERS_LOST',
        sentence:
          'the worker ended 3 times in a row, last: w1 ended with signal SIGABRT: most likely by engine xla-cpu: Check failed',
        hint: 'try it',
      },
    });
  });

  it('that has lasted makes the budget whole again', () => {
    const keeper = new Keeper(1);
    for (let crash = 0; crash < 5; crash += 1) {
      expect(keeper.ended(aborted, { lifeMs: 600_000, isLeaving: false })).toMatchObject({
        left: 0,
      });
    }
    expect(keeper.ended(aborted, AT_WORK).type).toBe('failed');
  });
});

describe('a crash', () => {
  const facts = {
    ...{ code: null, signal: 'SIGABRT', reported: undefined },
    kills: [undefined, undefined] as const,
  };

  it('is put down to the engine that the process had chosen', () => {
    const lastWords = 'F1129 10:00:00.000000 7 buffer.cc:12] Check failed: x';
    const engine = { engine: 'xla-cuda', plugin: 'xla-cuda13' };
    expect(causeOfDeath({ ...facts, engine, lastWords })).toMatchObject({
      sentence: `most likely by engine xla-cuda, plugin xla-cuda13: ${lastWords}`,
      hint: expect.stringContaining('tessera engines test xla-cuda13'),
    });
    const plain = { engine: 'onnxruntime-cpu' };
    expect(causeOfDeath({ ...facts, engine: plain, lastWords: '' })).toMatchObject({
      sentence: 'most likely by engine onnxruntime-cpu: it said nothing',
      hint: expect.stringContaining('tessera doctor'),
    });
  });

  it('is not, before it had chosen one, nor where memory is the cause', () => {
    expect(causeOfDeath({ ...facts, lastWords: 'oops' })).toEqual({ sentence: 'oops' });
    const full = {
      ...facts,
      engine: { engine: 'xla-cpu' },
      lastWords: 'terminate called: std::bad_alloc',
    };
    expect(causeOfDeath(full)?.sentence).toMatch(/more memory/);
  });
});

it('engine and error of a worker come in lines of one pipe, and odd ones are nothing', () => {
  const text = '{"engine":"xla-cpu"}\n{"code":"SYSTEM","sentence":"a"}\n{"engine":"tfjs-c';
  expect(readEngine(text)).toEqual({ engine: 'xla-cpu' });
  expect(readEngine('{"engine":"xla-cpu","plugin":"mine"}\n')).toMatchObject({ plugin: 'mine' });
  expect(readLastError(text)).toMatchObject({ code: 'SYSTEM', sentence: 'a' });
  expect(readEngine('{"engine":"\\u001b[2J"}\n{"engine":7}\n')).toBeUndefined();
});
