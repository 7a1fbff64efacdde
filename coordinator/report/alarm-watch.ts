/** @file Watches a run for alarms: an observer, so that nothing it does or fails at reaches the training. */
import { statfs } from 'node:fs/promises';
import type { Clock } from '../../shared/core/clock.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { Logger } from '../../shared/machine/log.ts';
import type { AlarmInput, DiskRoom } from '../../shared/runs/alarms/alarm.ts';
import { Alarms } from '../../shared/runs/alarms/alarms.ts';
import { listCheckpoints } from '../../shared/runs/checkpoint/layout.ts';
import type { RunEvent, TimedEvent } from '../../shared/runs/events.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import type { Run } from '../core/run.ts';

/** What alarms are seen by, and who gets them. */
export interface AlarmParts {
  readonly identity: RunIdentity;
  readonly source: Pick<DataSource, 'classes' | 'size'>;
  readonly run: Pick<Run, 'totalSteps'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
}

/** Longest time between two looks at the disk while steps are made; each checkpoint is one too. */
const LOOK_MS = 60_000;

/** Derives alarms from the events of a run. It is the last of its observers: the others get an alarm after its cause. */
export class AlarmWatch implements RunObserver {
  readonly name = 'alarms';
  readonly #parts: AlarmParts;
  readonly #alarms: Alarms;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #isOver = false;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
    const { identity, source, run } = parts;
    const { training, checkpoint } = identity.config;
    this.#alarms = new Alarms({
      ...{ numClasses: source.classes.length, totalSteps: run.totalSteps },
      stepsPerEpoch: Math.ceil(source.size.train / training.batchSize),
      keptCheckpoints: checkpoint.keep,
    });
  }

  event(event: TimedEvent): void {
    // Its own events come back to it.
    if (event.type === 'alarm') return;
    this.#take(event);
    if (event.type === 'ended') this.#isOver = true;
    const isDue = this.#parts.clock.nowMs() - this.#lookedMs >= LOOK_MS;
    if (event.type === 'checkpoint' || (event.type === 'step' && isDue)) void this.#look();
  }

  /** Does not wait for a look: a disk of the network may never answer. */
  close(): void {
    this.#isOver = true;
  }

  /** The alarms that have begun and are not over, each as `NAME: SENTENCE`. */
  get raised(): readonly string[] {
    return this.#alarms.raised;
  }

  #take(input: AlarmInput): void {
    const { clock, log, onEvent } = this.#parts;
    for (const alarm of this.#alarms.take(input, clock.nowMs())) {
      const { name, state, sentence } = alarm;
      // The event reports it to users.
      log.info({ name, state, sentence }, 'alarm');
      onEvent(alarm);
    }
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    const { identity, clock, log } = this.#parts;
    this.#isLooking = true;
    this.#lookedMs = clock.nowMs();
    try {
      const room = await roomOf(identity.runFolder);
      if (!this.#isOver) this.#take(room);
    } catch (err) {
      log.debug({ err }, 'the room of the disk is not known');
    } finally {
      this.#isLooking = false;
    }
  }
}

async function roomOf(runFolder: string): Promise<DiskRoom> {
  const { bavail, bsize } = await statfs(runFolder);
  const checkpoints = (await listCheckpoints(runFolder)).length;
  return { type: 'room', freeBytes: bavail * bsize, checkpoints };
}
