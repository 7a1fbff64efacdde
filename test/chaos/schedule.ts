/** @file What a chaos run does to whom, and when: a pure function of its seed. */
import { randomInteger, randomUnit } from '../../shared/core/random.ts';

/** Processes that can be struck: the coordinator, or a worker by its number. */
export type Victim = 'coordinator' | number;

/** What a blow falls into, as far as that can be seen from outside; a random delay comes on top. */
type Moment = 'any' | 'pull' | 'push' | 'checkpoint';

/** One blow. */
export interface Blow {
  /** The blow falls in the first fitting moment after this step. */
  readonly afterStep: number;
  readonly victim: Victim;
  /** `kill` is SIGKILL and a new process, `pause` SIGSTOP and SIGCONT. */
  readonly what: 'kill' | 'pause';
  readonly moment: Moment;
  /** Between the beginning of the moment and the blow. */
  readonly delayMs: number;
  /** Until the new process is started, or the old one goes on. */
  readonly downMs: number;
}

/** How large a schedule is. */
export interface ScheduleOptions {
  readonly seed: number;
  readonly kills: number;
  readonly pauses: number;
  readonly workers: number;
  readonly steps: number;
}

/** Steps at the end that nothing disturbs, so that whoever was struck last is back before the end. */
const CALM_STEPS = 15;
const COORDINATOR_SHARE = 0.3;
const LONGEST_MS = {
  /** A step takes about 0.1 s; a push, a pull and a checkpoint some milliseconds each. */
  delay: { any: 200, pull: 4, push: 4, checkpoint: 12 },
  killed: 700,
  /** Beyond `cluster.silenceMs`, so that some are lost and some are not. */
  paused: 4000,
} as const;

/** The blows of a seed, in order, evenly over the run. */
export function scheduleOf(options: ScheduleOptions): Blow[] {
  const { seed, kills, pauses, steps } = options;
  const count = kills + pauses;
  const spacing = (steps - CALM_STEPS) / count;
  const isPause = spread(pauses, count);
  return Array.from({ length: count }, (_, index): Blow => {
    const random = (use: number) => randomUnit(seed, 'faults', index, use);
    const victim =
      random(0) < COORDINATOR_SHARE
        ? 'coordinator'
        : randomInteger(options.workers, seed, 'faults', index, 1);
    const moment = pick(victim === 'coordinator' ? COORDINATOR_MOMENTS : WORKER_MOMENTS, random(2));
    const what = isPause(index) ? 'pause' : 'kill';
    return {
      afterStep: Math.max(1, Math.floor(index * spacing + random(3) * spacing)),
      victim,
      what,
      moment,
      delayMs: random(4) * LONGEST_MS.delay[moment],
      downMs: random(5) * (what === 'kill' ? LONGEST_MS.killed : LONGEST_MS.paused),
    };
  });
}

const WORKER_MOMENTS: readonly Moment[] = ['any', 'pull', 'push'];
const COORDINATOR_MOMENTS: readonly Moment[] = ['any', 'pull', 'push', 'checkpoint'];

function pick<T>(from: readonly T[], random: number): T {
  return from[Math.floor(random * from.length)] as T;
}

/** Which of `count` places `some` take, when they are laid out evenly. */
function spread(some: number, count: number): (index: number) => boolean {
  return (index) => Math.floor(((index + 1) * some) / count) > Math.floor((index * some) / count);
}
