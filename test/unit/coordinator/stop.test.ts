/**
 * @file A stop while workers push: the checkpoint holds one version, whole.
 *
 * Method  the real driver, core, store and checkpointer; a worker pushes one more node while the stop saves.
 */
import { expect, it } from 'vitest';
import { Checkpointer } from '../../../coordinator/checkpointer.ts';
import { listCheckpoints, readCheckpoint } from '../../../coordinator/checkpoints.ts';
import { Run } from '../../../coordinator/core/run.ts';
import { CoordinatorDriver } from '../../../coordinator/driver.ts';
import { ParameterStore } from '../../../coordinator/parameters.ts';
import type { CoordinatorMessage } from '../../../coordinator/port.ts';
import { RunProgress } from '../../../coordinator/progress.ts';
import { systemClock as clock } from '../../../shared/core/clock.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { createLog } from '../../../shared/host/log.ts';
import { PROTOCOL_VERSION } from '../../../shared/rpc/protos.ts';
import { metadata, newRunFolder } from '../checkpoints/fixtures.ts';

/** So large that saving and stepping take many turns of the event loop. */
const SIZE = 6 * 2 ** 20;
const table = {
  entries: [{ name: 'head.weight', shape: [SIZE], offset: 0, size: SIZE, decays: true, layer: 0 }],
  size: SIZE,
};
const PLAN = {
  epochs: 50,
  trainSamples: 32,
  testSamples: 1,
  batchSize: 32,
  microBatch: 32,
  evaluateEveryEpochs: 0,
  checkpointEverySteps: 0,
  checkpointEveryEpochs: 0,
  minWorkers: 1,
  silenceMs: 1e9,
  leaseMs: 1e9,
  remindMs: 1e9,
};
const JOIN = {
  protocolVersion: PROTOCOL_VERSION,
  name: 'w',
  instance: 'i',
  engine: 'e',
  host: 'h',
  pid: 1,
  modelFingerprint: '',
};
const NO_TIME = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 };

/** A driver with one worker, whose every gradient is the number of the step, counted from 1. */
function start() {
  const runFolder = newRunFolder();
  const { model, config } = metadata;
  const identity = {
    config: { ...config, training: { ...config.training, clipNorm: 0 } },
    model,
    configJson: '{}',
    modelFingerprint: 'f',
    identityJson: '{}',
    runFolder,
    tesseraVersion: '0',
  };
  const parameters = new Float32Array(SIZE);
  const store = new ParameterStore({ table, config: config.training.optimizer, parameters });
  const progress = new RunProgress(clock.nowMs(), undefined);
  const driver = new CoordinatorDriver({
    identity,
    run: new Run(PLAN, { version: 0 }),
    store,
    source: {
      size: { train: 32, test: 1 },
      classes: ['a', 'b'],
      label: () => 0,
      read: () => Promise.reject(),
    },
    checkpointer: new Checkpointer({
      runFolder,
      identityJson: '{}',
      metadata,
      keep: 9,
      progress,
      clock,
    }),
    progress,
    clock,
    log: createLog({ component: 'test', level: 'off' }),
    onEvent: () => {},
    onEnd: () => {},
  });
  const sent: CoordinatorMessage[] = [];
  driver.join(JOIN, { send: (message) => sent.push(message), close: () => {} });
  driver.ready('w', 'f', 'e');
  const push = () => {
    const step = store.version;
    const node = { kind: 'train', step, version: step, first: 0, count: 1 } as const;
    const totals = { lossSum: 1, correct: 1, samples: 32, badSamples: [], timings: NO_TIME };
    return driver.nodeArrived(
      'w',
      { ...node, ...totals },
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
