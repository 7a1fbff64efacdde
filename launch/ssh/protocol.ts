/**
 * @file What the launcher and a host say to each other, a line each: over the host's stdin the job, then signs of life;
 * over its stdout what it has found, that it is ready, and the error that ends it. Pure.
 */
import { TesseraError } from '../../shared/core/errors.ts';
import { isRecord, jsonRecord } from '../../shared/core/text.ts';
import { readLastError } from '../../worker/parent/last-error.ts';

/** Lines of ours begin with it: what a login shell prints beside them is noise. */
export const MARK = 'tessera-host/1';
/** Longest line of either side. Units  bytes. */
export const LINE_BYTES_MAX = 65_536;
/** The launcher says this so often, and then nothing for so long before a host takes it for gone. */
export const BEAT = 'beat';
export const BEAT_MS = 5_000;
export const SILENCE_MS = 60_000;

/** What a host has. */
export interface Found {
  readonly type: 'found';
  /** Such as `v20.20.2`; `none`. */
  readonly node: string;
  /** `absent` where there is no such program, `none` where it does not start. */
  readonly tessera: string;
  /** The address of the launcher as the host sees it; '' without ssh. */
  readonly from: string;
}

/** A host that waits for its job. */
export interface Ready {
  readonly type: 'ready';
  readonly node: string;
  readonly workers: number;
}

/** The error that ends a host. */
interface Failed {
  readonly type: 'failed';
  readonly error: TesseraError;
}

/** What a host gets to work with. The token is a secret, the authority is not. */
export interface Job {
  /** Where the coordinator may be dialled, the best first. */
  readonly addresses: readonly string[];
  /** PEM. */
  readonly authority: string;
  readonly token: string;
  readonly verbose: boolean;
}

/** A line of a host's stdout; undefined for noise. */
export function readHostLine(line: string): Found | Ready | Failed | undefined {
  // A program of a login shell may have begun the line.
  const at = line.indexOf(`${MARK} `);
  if (at < 0) return undefined;
  const [, verb, rest = ''] =
    /^(\w+) ?(.*)$/.exec(line.slice(at + MARK.length + 1).trimEnd()) ?? [];
  if (verb === 'found') {
    const [, node, tessera, from] = /^node=(\S+) tessera=(\S+) from=(\S*)$/.exec(rest) ?? [];
    if (node === undefined || tessera === undefined) return undefined;
    return { type: 'found', node, tessera, from: from ?? '' };
  }
  if (verb === 'ready') {
    const { node, workers } = jsonRecord(rest) ?? {};
    if (typeof node !== 'string' || !Number.isInteger(workers)) return undefined;
    return { type: 'ready', node, workers: Number(workers) };
  }
  const error = verb === 'failed' ? readLastError(`${rest}\n`) : undefined;
  return error && { type: 'failed', error };
}

/** The line of a host that is ready. */
export function readyLine(ready: Omit<Ready, 'type'>): string {
  return `${MARK} ready ${JSON.stringify(ready)}\n`;
}

/** The line of an error that ends a host. */
export function failedLine({ code, sentence, hint }: TesseraError): string {
  return `${MARK} failed ${JSON.stringify({ code, sentence, hint })}\n`;
}

/** The line of a job. */
export function jobLine(job: Job): string {
  return `${JSON.stringify(job)}\n`;
}

/** The job in a line. Throws  MESSAGE_INVALID. */
export function readJob(line: string): Job {
  const record = jsonRecord(line);
  if (record !== undefined && isJob(record)) return record;
  throw new TesseraError('MESSAGE_INVALID', 'what came over stdin is not a job', {
    hint: 'tessera launch host is started by tessera launch ssh, not by people',
  });
}

function isJob(record: Record<string, unknown>): record is Record<string, unknown> & Job {
  const { addresses, authority, token, verbose } = record;
  return (
    isRecord(record) &&
    Array.isArray(addresses) &&
    addresses.length > 0 &&
    addresses.every((address) => typeof address === 'string') &&
    typeof authority === 'string' &&
    typeof token === 'string' &&
    typeof verbose === 'boolean'
  );
}
