/** @file A node that is not the first waits until that is there: its credentials, its address, its port. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatSpan } from '../../shared/core/units.ts';
import { readResult } from '../../shared/runs/result-file.ts';
import { CREDENTIAL_FILES } from '../../shared/security/credentials.ts';
import { readAddresses } from './address-file.ts';
import { isOwn, refuseOpenFolder } from './join-folder.ts';
import { reach } from './reach.ts';

/** What a node looks for. */
export interface Meeting {
  /** HOST:PORT of the first node, unless it says itself where it is. */
  readonly first: string;
  /** Undefined for plaintext. */
  readonly joinFolder: string | undefined;
  /** The start of the job. */
  readonly life: string;
  /** Of the run, which is done where it says so. */
  readonly runFolder: string;
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Gets what it waits for, each time that this is something else. */
  readonly say: (sentence: string) => void;
}

/** Where the first node is; undefined once the run is done. */
export type Met = { readonly address: string } | undefined;

const PAUSE_MS = 1_000;

/** What is missing, and what may be the matter if it does not come. */
interface Missing {
  readonly kind: 'folder' | 'port';
  readonly what: string;
  readonly hint: string;
}

/**
 * Waits for the first node, which may come later and move.
 *
 * Throws  COORDINATOR_UNREACHABLE after the patience, saying what is missing; ACCESS_DENIED; the reason of the signal.
 */
export async function meetFirst(meeting: Meeting): Promise<Met> {
  const { clock, signal, patienceMs, say } = meeting;
  const untilMs = clock.nowMs() + patienceMs;
  let said: Missing['kind'] | undefined;
  for (;;) {
    if ((await readResult(meeting.runFolder)) !== undefined) return undefined;
    const found = await look(meeting);
    signal.throwIfAborted();
    if ('address' in found) return found;
    const { kind, what, hint } = found;
    const leftMs = untilMs - clock.nowMs();
    if (leftMs <= 0) {
      const sentence = `no first node in ${formatSpan(patienceMs)}: ${what}`;
      throw new TesseraError('COORDINATOR_UNREACHABLE', sentence, { hint });
    }
    if (kind !== said)
      say(`waiting for the first node (for ${formatSpan(leftMs)} at most): ${what}`);
    said = kind;
    await clock.sleep(Math.min(PAUSE_MS, leftMs), signal);
  }
}

/** Where the first node is dialled: what it says itself, where it can; undefined while that is not known. */
export async function addressesOf({
  joinFolder,
  first,
  life,
}: Pick<Meeting, 'joinFolder' | 'first' | 'life'>): Promise<readonly string[] | undefined> {
  if (joinFolder === undefined || !(await isOwn(joinFolder))) return [first];
  return await readAddresses(joinFolder, life);
}

/** One look: the address that can be reached, or what is missing. */
async function look(meeting: Meeting): Promise<{ readonly address: string } | Missing> {
  const { joinFolder } = meeting;
  const said = await addressesOf(meeting);
  if (said === undefined || (joinFolder !== undefined && !(await hasCredentials(joinFolder)))) {
    return {
      kind: 'folder',
      what: `it has not filled ${joinFolder} yet`,
      hint: 'has the first node been started, or has it failed? All nodes must see that folder: give one that they share with --join-folder',
    };
  }
  let why = '';
  for (const address of said) {
    const reason = await reach(address);
    if (reason === undefined) return { address };
    why ||= reason;
  }
  return {
    kind: 'port',
    what: `${said[0]}: ${why}`,
    hint: 'has the first node been started, or has it failed? Is its name right, and its port open to this machine?',
  };
}

/** Whether a worker's credentials are there. Throws  ACCESS_DENIED for a folder that others can write into. */
async function hasCredentials(folder: string): Promise<boolean> {
  await refuseOpenFolder(folder);
  const files = Object.values(CREDENTIAL_FILES).map((name) => join(folder, 'worker', name));
  const found = await Promise.all(files.map((path) => stat(path).catch(() => undefined)));
  return found.every((each) => each !== undefined);
}
