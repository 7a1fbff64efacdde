/** @file What locks are made with: a disk, clocks, processes; the machine's in the product, others in the simulator. */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import { TesseraError } from '../../core/errors.ts';
import { machineProcesses, type Processes } from '../../machine/processes.ts';
import { type LockDisk, machineLockDisk } from './disk.ts';
import { encodeLock, holderWords, type JudgedLock, type LockHolder } from './file.ts';

/** Times of a lock. */
interface LockTimes {
  /** Between two touches of its holder. */
  readonly touchMs: number;
  /** A holder elsewhere that has not touched its lock for so long is gone. */
  readonly staleMs: number;
  /** Half a lock of this age is of a process that died writing it, not of one that is at it. */
  readonly halfMs: number;
  /** Between two looks at a lock that is watched. */
  readonly lookMs: number;
}

/** What locks are made with. */
export interface LockParts {
  readonly disk: LockDisk;
  readonly clock: Clock;
  /** Milliseconds since 1970, as this machine believes. */
  readonly wallMs: () => number;
  readonly processes: Processes;
  readonly newId: () => string;
  readonly times: LockTimes;
}

/** Those of this machine. */
export const MACHINE_LOCKS: LockParts = {
  disk: machineLockDisk,
  clock: systemClock,
  wallMs: Date.now,
  processes: machineProcesses,
  newId: randomUUID,
  times: { touchMs: 5_000, staleMs: 30_000, halfMs: 2_000, lookMs: 250 },
};

/** What a process does that removes a run. */
export const REMOVAL = 'runs rm';

/** Makes a lock if there is none; returns its text, and the time by the disk's clock. */
export async function makeLock(
  path: string,
  holder: LockHolder,
  { disk, processes }: LockParts,
): Promise<{ readonly isMade: boolean; readonly nowMs: number; readonly text: string }> {
  let text = '';
  const made = await disk.make(path, `${path}.${holder.id}`, (place) => {
    text = encodeLock(holder, processes.me, place);
    return text;
  });
  return { ...made, text };
}

/** The refusal of a lock that another holds; `touched` says when, where that decides. */
export function inUse(path: string, judged: JudgedLock, touched?: string): TesseraError {
  const who = holderWords(judged, touched);
  return new TesseraError('RUN_IN_USE', `${path} is held by ${who}`, {
    hint:
      judged.holder?.work === REMOVAL
        ? 'the run is being removed'
        : 'one coordinator a run: stop that one first (tessera stop), or choose another --run-folder',
  });
}
