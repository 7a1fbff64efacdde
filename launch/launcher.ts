/** @file The interface of a launcher: what starts the worker processes of a run, on this machine or elsewhere. */
import type { WorkerDeath } from './worker-exit.ts';

/** A worker of a launch: its index and its name stay the same over restarts. */
export interface WorkerSlot {
  /** From 0. */
  readonly index: number;
  /** `w1` for index 0. */
  readonly name: string;
}

/** One process of a worker, from its start to its end. */
export interface WorkerLife {
  /** Undefined where it has none on this machine. */
  readonly pid: number | undefined;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<void>;
  /** Resolves with what is known of its end, soon after that; never rejects. */
  readonly ended: Promise<WorkerDeath>;
  /** Asks the process to end. */
  end(): void;
  /** Ends the process at once. */
  kill(): void;
}

/** A message about a launch for the user. */
export interface LaunchNotice {
  readonly level: 'info' | 'warn' | 'error';
  /** A sentence, or a block of lines. */
  readonly text: string;
}

/** Starts worker processes. A launcher decides nothing: the supervisor does. */
export interface Launcher {
  /** Starts one process of a worker. Throws  what keeps it from starting. */
  start(slot: WorkerSlot): WorkerLife;
  /** What there is to say about the living workers that is not their end; asked every 2 seconds. */
  look(): readonly LaunchNotice[];
}
