/**
 * @file A stop while workers push: the checkpoint holds one version, whole.
 *
 * Method  the real driver, core, store and checkpointer; a worker pushes one more node while the stop saves.
 */
import { expect, it } from 'vitest';
import { TesseraError } from '../../../shared/core/errors.ts';
import { listCheckpoints } from '../../../shared/runs/checkpoint/layout.ts';
import { readCheckpoint } from '../../../shared/runs/checkpoint/read.ts';
import { JOIN, SIZE, startDriver, table } from '../../support/driver-fixture.ts';

const NO_TIME = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 };

/** A driver with one worker, whose every gradient is the number of the step, counted from 1. */
function start() {
  const { driver, store, runFolder } = startDriver();
  driver.join(JOIN, { send: () => {}, close: () => {} });
  driver.ready('w', { modelFingerprint: 'f', engine: 'e', engineId: 'e', processor: '', slots: 1 });
  driver.tick();
  const push = () => {
    const step = store.version;
    const node = { kind: 'train', step, version: step, first: 0, count: 1 } as const;
    const gradientType = 'f32' as const;
    const totals = { lossSum: 1, correct: 1, samples: 32, badSamples: [], timings: NO_TIME };
    return driver.nodeArrived(
      'w',
      { ...node, ...totals, gradientType },
      new Float32Array(SIZE).fill(32 * (step + 1)),
    );
  };
  return { driver, store, runFolder, push };
}

it('a node that comes while a stop saves changes nothing of what is saved', async () => {
  const { driver, store, runFolder, push } = start();
  expect(push()).toBe('accepted');
  while (store.version < 1) await new Promise(setImmediate);
  await new Promise(setImmediate);
  const stopped = driver.stop(new TesseraError('CANCELLED', 'stopped'));
  expect(push()).toBe('stale');
  await stopped;
  const [saved] = await listCheckpoints(runFolder);
  const checkpoint = await readCheckpoint(saved!.folder, { table, identityJson: '{}' });
  expect(checkpoint.step).toBe(1);
  // AdamW's first moment after one step with a gradient of 1: 1 - beta1.
  expect(new Set(checkpoint.state['m'])).toEqual(new Set([Math.fround(0.1)]));
});
