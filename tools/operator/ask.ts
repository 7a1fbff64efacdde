/** @file Whom a command asks, and how: a coordinator by its address, or that of a run here. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownAddress } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import {
  clearerError,
  fetchStatus,
  isNotListening,
  type Question,
  type StatusReply,
  type StopReply,
  stopRun,
} from '../../shared/exchange/grpc/operator.ts';
import { type ClientFiles, clientSecurity } from '../../shared/exchange/grpc/security.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { holderOf, type LockHolder } from '../../shared/runs/lock/lock.ts';
import { findRun, lastStartedRun } from '../../shared/runs/reader/find.ts';
import { certsOf, type RunRecord, readRun } from '../../shared/runs/reader/read.ts';
import { isOfRun, occupantIn } from '../../shared/runs/reader/run-signs.ts';
import { CREDENTIAL_FILES } from '../../shared/security/credentials.ts';

/** How to ask a coordinator. */
export interface AskOptions extends ClientFiles {
  /** HOST:PORT, or a run of this machine; the run that was started last unless given. */
  readonly run?: string | undefined;
  /** Plaintext to a coordinator off this machine. */
  readonly insecure?: boolean | undefined;
}

/** Is given what was chosen on the way, a sentence each. */
type OnNote = (sentence: string) => void;

/** The local run that is meant, whatever process is at its address. */
interface MeantRun {
  readonly folder: string;
  /** Who holds its lock; undefined for a run of an older version, which has none. */
  readonly holder: LockHolder | undefined;
}

/** Whom to ask; of a run of this machine that has ended, what it came to instead. */
export type Asked =
  | {
      readonly question: Question;
      readonly meant: MeantRun | undefined;
      readonly ended?: undefined;
    }
  | { readonly question?: undefined; readonly ended: RunRecord };

const ANSWER_MS = 5000;
const OPERATOR = 'operator';
const NOT_FOUND = 'tessera runs list shows the names of runs; a coordinator elsewhere is HOST:PORT';

/**
 * Whom to ask, by the options.
 *
 * Throws  USAGE when there is no such run here; DATA_INVALID when its folder does not let us know; ACCESS_DENIED when a credential cannot be used, or none is found where
 *         one is needed.
 */
export async function askedBy(options: AskOptions, onNote: OnNote = () => {}): Promise<Asked> {
  const { run } = options;
  if (run !== undefined && isAddress(run)) {
    return { question: await question(run, options, onNote), meant: undefined };
  }
  const passedOver = (runs: readonly string[]) => onNote(`note: passed over: ${someOf(runs)}`);
  const folder =
    run === undefined
      ? await lastStartedRun({ passedOver })
      : await findRun(run, { passedOver, hint: NOT_FOUND });
  // If the lock cannot be read, the rest of the run folder decides.
  const holder = await holderOf(join(folder, RUN_FILES.lock)).catch(() => undefined);
  if (holder === undefined) {
    const record = await readRun(folder);
    if (record.state === 'unknown') throw unknown(record);
    if (record.state !== 'running') return { ended: record };
  }
  const address = await addressIn(folder);
  if (address === '') {
    throw new TesseraError(
      'COORDINATOR_UNREACHABLE',
      `${folder} does not say where its coordinator is`,
      {
        hint: 'it may be about to listen: try again, or give its address HOST:PORT',
      },
    );
  }
  return {
    question: await question(address, await withOwnCerts(options, folder, onNote), onNote),
    meant: { folder, holder },
  };
}

/** Where the coordinator of a run of this machine is, by its folder; '' where that does not say it. */
export async function addressIn(folder: string): Promise<string> {
  const address = await readTextFile(join(folder, RUN_FILES.address)).catch(() => '');
  return address.trim() === '' ? '' : ownAddress(address.trim());
}

/**
 * The status of the run that is meant; a `watcher` asks again soon.
 *
 * Throws  COORDINATOR_UNREACHABLE with what may be the matter, another run at its address too; what it refuses with.
 */
export async function askStatus({ question, meant }: AskedRun, watcher = ''): Promise<StatusReply> {
  const status = await withReply(question, meant, () => fetchStatus(question, watcher));
  if (meant === undefined || (await isOfRun(status, meant.folder))) return status;
  throw new TesseraError(
    'COORDINATOR_UNREACHABLE',
    `${meant.folder} is not at ${question.address}: that is ${occupantIn(status)}`,
    { hint: `${heldBy(meant)}it may be about to listen elsewhere: try again` },
  );
}

/** Ends the run that is meant, never another one at its address. Throws  as `askStatus` does. */
export async function askToStop(asked: AskedRun, reason: string): Promise<StopReply> {
  const { question, meant } = asked;
  if (meant !== undefined) await askStatus(asked);
  return await withReply(question, meant, () => stopRun(question, reason));
}

/** A run that can be asked. */
export type AskedRun = Extract<Asked, { readonly question: Question }>;

async function withReply<T>(
  question: Question,
  meant: MeantRun | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    const unclear = TesseraError.from(thrown);
    const { address, security } = question;
    const error = await clearerError(unclear, { address, isSecure: security !== undefined });
    if (error.code !== 'COORDINATOR_UNREACHABLE' && error.code !== 'TIMEOUT') throw error;
    if (meant?.holder !== undefined) throw silent(question, meant, unclear);
    const { sentence, hint = 'it may have ended, or the address is another one' } = error;
    throw new TesseraError('COORDINATOR_UNREACHABLE', sentence, { hint, cause: error });
  }
}

function unknown({ folder, faults }: RunRecord): TesseraError {
  return new TesseraError(
    'DATA_INVALID',
    `cannot determine the state of ${folder}: ${faults.join('; ')}`,
    {
      hint: 'ask as the account that runs it, or at its address: HOST:PORT',
    },
  );
}

/** Its lock is held: it is there, and does not answer. */
function silent({ address }: Question, meant: MeantRun, cause: TesseraError): TesseraError {
  const what = isNotListening(cause)
    ? `nothing listens at ${address} yet`
    : `it does not answer at ${address}`;
  return new TesseraError(
    'COORDINATOR_UNREACHABLE',
    `the coordinator of ${meant.folder} is there, but ${what}`,
    {
      hint: `${heldBy(meant)}it may be stopped (Ctrl-Z), busy or about to listen: try again`,
      cause,
    },
  );
}

function heldBy({ holder }: MeantRun): string {
  if (holder === undefined) return '';
  return `process ${holder.pid} on ${holder.host} holds its lock; `;
}

/** An address unless there is a folder of that name. */
function isAddress(text: string): boolean {
  return /^.+:\d{1,5}$/.test(text) && !existsSync(text);
}

async function question(address: string, options: AskOptions, onNote: OnNote): Promise<Question> {
  const security = await clientSecurity(options, (sentence) => onNote(`⚠ ${sentence}`));
  return { address, timeoutMs: ANSWER_MS, security, insecure: options.insecure ?? false };
}

/** The operator's credentials beside those of the run's coordinator, unless the options say which. */
async function withOwnCerts(
  options: AskOptions,
  folder: string,
  onNote: OnNote,
): Promise<AskOptions> {
  const { certs, ca, insecure } = options;
  const coordinators = await certsOf(folder);
  if (coordinators === undefined || certs !== undefined || ca !== undefined || insecure)
    return options;
  const operators = join(dirname(coordinators), OPERATOR);
  if (existsSync(join(operators, CREDENTIAL_FILES.key))) {
    onNote(`with the credentials in ${operators}`);
    return { ...options, certs: operators };
  }
  throw new TesseraError(
    'ACCESS_DENIED',
    `the run of ${folder} asks for credentials (TLS), and there are none in ${operators}`,
    {
      hint: "add --certs FOLDER with an operator's (tessera certs issue CERTS NAME --role operator)",
    },
  );
}
