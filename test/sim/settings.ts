/** @file What a world is like: its run, its workers and its faults, all drawn from the seed. */
import type { RunPlan } from '../../coordinator/core/messages.ts';
import type { Dice } from './dice.ts';

/** Bugs that can be planted in the simulated drivers, to see that the oracles would find them. */
export type Bug =
  | 'sumWithoutJudging'
  | 'announceBeforeCheckpoint'
  | 'forgetLostWorkers'
  | 'mixVersions'
  | 'sumInOrderOfArrival'
  | 'resumeOneTooFar'
  | 'neverRemind';

/** How much goes wrong; probabilities are per message, per computation or per second as their names say. */
export interface Faults {
  readonly lossPerMessage: number;
  readonly repeatPerMessage: number;
  /** Some messages are late by up to this. */
  readonly latePerMessage: number;
  readonly lateMs: number;
  readonly breakPerSecond: number;
  readonly workerCrashPerSecond: number;
  readonly coordinatorCrashPerSecond: number;
  readonly freezePerSecond: number;
  readonly hangPerNode: number;
}

/** One worker of a world. */
export interface WorkerSettings {
  readonly name: string;
  readonly startMs: number;
  readonly leafMs: number;
}

/** Everything that defines a world beside its dice. */
export interface Settings {
  readonly plan: RunPlan;
  readonly workers: readonly WorkerSettings[];
  readonly faults: Faults;
  /** From then on nothing goes wrong any more. */
  readonly healMs: number;
  readonly bug: Bug | undefined;
}

/** A world without faults. */
export const NO_FAULTS: Faults = {
  lossPerMessage: 0,
  repeatPerMessage: 0,
  latePerMessage: 0,
  lateMs: 0,
  breakPerSecond: 0,
  workerCrashPerSecond: 0,
  coordinatorCrashPerSecond: 0,
  freezePerSecond: 0,
  hangPerNode: 0,
};

/** Draws a world. Each kind of fault is absent from half of the worlds, so that no two always come together. */
export function drawSettings(dice: Dice, bug: Bug | undefined): Settings {
  const plan = drawPlan(dice);
  const some = (most: number) => (dice.chance(0.5) ? dice.between(0, most) : 0);
  const numWorkers = dice.integer(plan.minWorkers, 5);
  return {
    plan,
    workers: Array.from({ length: numWorkers }, (_, index) => ({
      name: `w${index}`,
      startMs: dice.chance(0.3) ? dice.between(0, 2_000) : 0,
      leafMs: dice.between(2, 40) * (dice.chance(0.2) ? 10 : 1),
    })),
    faults: {
      lossPerMessage: some(0.3),
      repeatPerMessage: some(0.3),
      latePerMessage: some(0.2),
      lateMs: dice.between(50, 1_500),
      breakPerSecond: some(1),
      workerCrashPerSecond: some(1),
      coordinatorCrashPerSecond: some(1),
      freezePerSecond: some(0.5),
      hangPerNode: some(0.05),
    },
    healMs: dice.between(1_000, 8_000),
    bug,
  };
}

function drawPlan(dice: Dice): RunPlan {
  const trainSamples = dice.integer(3, 60);
  return {
    epochs: dice.integer(1, 4),
    trainSamples,
    testSamples: dice.integer(0, 12),
    batchSize: dice.integer(Math.ceil(trainSamples / 8), trainSamples),
    microBatch: dice.integer(1, 4),
    evaluateEveryEpochs: dice.integer(0, 2),
    checkpointEverySteps: dice.integer(0, 3),
    checkpointEveryEpochs: dice.integer(0, 2),
    minWorkers: dice.integer(1, 2),
    silenceMs: 800,
    leaseMs: dice.between(300, 2_000),
    remindMs: 300,
  };
}
