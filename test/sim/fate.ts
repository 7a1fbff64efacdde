/** @file Who dies, freezes, stops or is cut off, and when: asked of the dice ten times a second. */

import { TesseraError } from '../../shared/core/errors.ts';
import type { SimCoordinator } from './coordinator.ts';
import type { Counts } from './counts.ts';
import { type Faults, NO_FAULTS } from './settings.ts';
import type { SimWorker } from './worker.ts';
import type { World } from './world.ts';

const FATE_MS = 100;
/** Longest nap of a process. */
export const FREEZE_MS_MAX = 3_000;

/** Lets fate strike until the world has healed. */
export function decideFates(world: World): void {
  world.timeline.after(FATE_MS, () => {
    if (world.isFinished || world.faults === NO_FAULTS) return;
    for (const worker of world.workers) if (worker?.host.isAlive) strikeWorker(world, worker);
    if (world.coordinator?.host.isAlive) strikeCoordinator(world, world.coordinator);
    world.strangers.strike();
    decideFates(world);
  });
}

function happens(
  world: World,
  fault: keyof Faults,
  counter: keyof Counts,
  dice = world.dice,
): boolean {
  if (!dice.chance((world.faults[fault] * FATE_MS) / 1000)) return false;
  world.counts[counter] += 1;
  return true;
}

function strikeWorker(world: World, worker: SimWorker): void {
  const { dice } = world;
  if (happens(world, 'workerCrashPerSecond', 'workerCrashes')) world.crashWorker(worker);
  if (happens(world, 'workerStopPerSecond', 'workerStops')) worker.stop();
  if (happens(world, 'breakPerSecond', 'broken')) worker.route.break();
  if (happens(world, 'freezePerSecond', 'freezes'))
    worker.host.freeze(dice.between(100, FREEZE_MS_MAX));
  if (happens(world, 'partitionPerSecond', 'partitions')) {
    const ways = ([['up'], ['down'], ['up', 'down']] as const)[dice.integer(0, 2)]!;
    worker.route.partition(ways, dice.between(50, 3_000));
  }
  if (happens(world, 'deadLinePerSecond', 'deadLines', dice.line)) worker.route.swallow();
}

function strikeCoordinator(world: World, coordinator: SimCoordinator): void {
  const { dice, timeline } = world;
  if (happens(world, 'coordinatorCrashPerSecond', 'coordinatorCrashes')) {
    world.crashCoordinator(coordinator, 'crashes');
    return;
  }
  if (happens(world, 'coordinatorStopPerSecond', 'coordinatorStops')) {
    // Every other time by its machine: its workers then wait for it.
    const code = world.counts.coordinatorStops % 2 === 0 ? 'CANCELLED' : 'INTERRUPTED';
    coordinator.stop(new TesseraError(code, 'stopped'));
  }
  if (happens(world, 'freezePerSecond', 'freezes'))
    coordinator.host.freeze(dice.between(100, FREEZE_MS_MAX));
  if (happens(world, 'diskFullPerSecond', 'diskFull')) {
    coordinator.diskFaults.isFull = true;
    timeline.after(dice.between(100, 2_000), () => {
      coordinator.diskFaults.isFull = false;
    });
  }
}
