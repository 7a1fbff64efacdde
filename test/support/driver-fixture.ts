/** @file The product's coordinator driver with its own core, store and checkpointer, and no wire around it. */

import { Run } from '../../coordinator/core/run.ts';
import { CoordinatorDriver } from '../../coordinator/driver.ts';
import type { DriverParts } from '../../coordinator/loop.ts';
import { ParameterStore } from '../../coordinator/step/parameters.ts';
import { RunProgress } from '../../coordinator/step/progress.ts';
import { PROTOCOL_VERSION } from '../../shared/contract/messages.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { NOTHING_LEFT_OUT } from '../../shared/data/found.ts';
import { createLog } from '../../shared/machine/log.ts';
import { Checkpointer } from '../../shared/runs/checkpoint/checkpointer.ts';
import { metadata, newRunFolder } from './checkpoint-fixtures.ts';

/** So large that saving and stepping take many turns of the event loop. */
export const SIZE = 6 * 2 ** 20;
export const table = {
  entries: [{ name: 'head.weight', shape: [SIZE], offset: 0, size: SIZE, decays: true, layer: 0 }],
  size: SIZE,
};
const PLAN = {
  epochs: 50,
  trainSamples: 32,
  validationSamples: 0,
  testSamples: 1,
  batchSize: 32,
  microBatch: 32,
  evaluateEveryEpochs: 0,
  earlyStopping: 0,
  checkpointEverySteps: 0,
  checkpointEveryEpochs: 0,
  minWorkers: 1,
  silenceMs: 1e9,
  leaseMs: 1e9,
  remindMs: 1e9,
};
export const JOIN = {
  protocolVersion: PROTOCOL_VERSION,
  name: 'w',
  instance: 'i',
  engine: 'e',
  host: 'h',
  pid: 1,
  modelFingerprint: '',
};

/** A driver that nobody has joined yet. */
export function startDriver(
  clock: Clock = systemClock,
  { onEvent = () => {} }: Partial<Pick<DriverParts, 'onEvent'>> = {},
) {
  const runFolder = newRunFolder();
  const { model, config } = metadata;
  const identity = {
    config: { ...config, training: { ...config.training, clipNorm: 0 } },
    model,
    configJson: '{}',
    modelFingerprint: 'f',
    identityJson: '{}',
    runId: 'r',
    dataJson: '',
    runFolder,
    tesseraVersion: '0',
  };
  const parameters = new Float32Array(SIZE);
  const store = new ParameterStore({ table, config: config.training.optimizer, parameters });
  const progress = new RunProgress(clock.nowMs(), undefined);
  const driver = new CoordinatorDriver({
    identity,
    run: new Run(PLAN, { version: 0, known: [] }),
    store,
    source: {
      size: { train: 32, validation: 0, test: 1 },
      classes: ['a', 'b'],
      found: NOTHING_LEFT_OUT,
      label: () => 0,
      name: () => '',
      listedBytes: () => 0,
      bytes: () => Promise.reject(),
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
    onEvent,
    onEnd: () => {},
  });
  return { driver, store, runFolder };
}
