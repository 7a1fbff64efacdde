/**
 * @file Fetches a large file over a network that drops, stalls and lies, and puts it in place whole and verified.
 *
 * What has arrived is kept in `NAME.part`, with `NAME.part.json` saying what it is a part of. It is gone on with only
 * when the server proves with its validator (ETag or Last-Modified, in If-Range) that the file is still the same.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline } from '../core/async.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { type ErrorExtras, TesseraError } from '../core/errors.ts';
import { formatBytes } from '../core/units.ts';
import { openUrl, parseWebAddress, retryAfterMs } from './http.ts';

/** A checksum that is known of a file. Units  `hex` may be the first digits only, where only those are published. */
export interface KnownDigest {
  readonly algorithm: 'sha256' | 'md5';
  readonly hex: string;
}

/** What a download may cost. */
export interface DownloadLimits {
  /** Longest time without a byte before the connection is given up. */
  readonly silenceMs: number;
  /** Attempts in a row that bring nothing new. */
  readonly attempts: number;
  /** First pause between attempts; each further one is twice as long. */
  readonly pauseMs: number;
  readonly pauseMaxMs: number;
  readonly bytesMax: number;
}

const LIMITS: DownloadLimits = {
  silenceMs: 60_000,
  attempts: 6,
  pauseMs: 1_000,
  pauseMaxMs: 60_000,
  bytesMax: 64 * 1024 ** 3,
};

/** Attempts in all, however much each of them brings. */
const ATTEMPTS_MAX = 100;

/** How far a download is; `total` is undefined where the server does not say. */
export interface DownloadProgress {
  readonly bytes: number;
  readonly total: number | undefined;
}

/** What to fetch and where to put it. */
export interface DownloadOptions {
  readonly url: string;
  readonly path: string;
  /** What is really known of the file; it is refused when it differs. */
  readonly known?: { readonly bytes?: number; readonly digest?: KnownDigest };
  readonly limits?: Partial<DownloadLimits>;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Hears why an attempt failed and when the next one comes. */
  readonly onRetry?: (reason: string, pauseMs: number) => void;
}

/** A file that has arrived. */
export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Fetches `url` into `path`: going on with a part of it that is there, trying again within a budget.
 *
 * Throws  DATA_INVALID when the server refuses or the file is not the known one; TIMEOUT when the budget is used up,
 *         the part is then kept; CANNOT_WRITE; CANCELLED by the signal.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  parseWebAddress(options.url);
  const limits = { ...LIMITS, ...options.limits };
  const clock = options.clock ?? systemClock;
  await mkdir(dirname(options.path), { recursive: true }).catch((error: unknown) => {
    throw cannotWrite(options.path, error);
  });
  let failures = 0;
  for (let attempt = 1; ; attempt += 1) {
    const before = await partBytes(options.path);
    const outcome = await attemptOnce(options, limits, clock);
    if (!(outcome instanceof Interrupted)) return outcome;
    failures = (await partBytes(options.path)) > before ? 1 : failures + 1;
    const isLast = failures >= limits.attempts || attempt >= ATTEMPTS_MAX;
    const pauseMs = isLast ? undefined : pauseBefore(failures, outcome, limits);
    if (pauseMs === undefined) throw givenUp(options, outcome, attempt);
    options.onRetry?.(outcome.message, pauseMs);
    await clock.sleep(pauseMs, options.signal);
  }
}

/** SHA-256 and MD5 of a file, in hex. */
export async function digestsOfFile(path: string): Promise<{ sha256: string; md5: string }> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 })) {
    sha256.update(chunk);
    md5.update(chunk);
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}

/** A failure that another attempt may mend. */
class Interrupted extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number, cause?: unknown) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a part is a part of. */
interface PartState {
  readonly url: string;
  readonly validator: string;
}

async function attemptOnce(
  options: DownloadOptions,
  limits: DownloadLimits,
  clock: Clock,
): Promise<Downloaded | Interrupted> {
  try {
    await fetchRest(options, limits, clock);
    return await finish(options);
  } catch (thrown) {
    options.signal?.throwIfAborted();
    if (thrown instanceof Interrupted) return thrown;
    throw thrown;
  }
}

/** One attempt: asks for what is missing and appends it to the part. */
async function fetchRest(options: DownloadOptions, limits: DownloadLimits, clock: Clock) {
  const { url, path } = options;
  const cancel = new AbortController();
  const onAbort = () => cancel.abort(options.signal?.reason);
  options.signal?.throwIfAborted();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const state = await readPartState(path, url);
    const offset = state === undefined ? 0 : await partBytes(path);
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (state !== undefined && offset > 0) {
      headers['range'] = `bytes=${offset}-`;
      headers['if-range'] = state.validator;
    }
    const opening = openUrl(url, { headers, signal: cancel.signal });
    const response = await impatiently(clock, opening, limits.silenceMs, hostOf(url));
    const plan = await planOf(response, { offset, state }, options);
    checkSize(plan.total, options, limits);
    // A part that is all there already is answered by 416.
    if (response.status !== 416) await receive(response, plan, { options, limits, clock });
  } finally {
    cancel.abort();
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Where the bytes of a response belong, and how many the file has in all. */
interface Plan {
  readonly start: number;
  readonly total: number | undefined;
}

/** Reads status and headers. Throws  Interrupted or DATA_INVALID for an answer that is no (part of the) file. */
async function planOf(
  response: Response,
  { offset, state }: { readonly offset: number; readonly state: PartState | undefined },
  options: DownloadOptions,
): Promise<Plan> {
  const { status, headers } = response;
  const { url, path } = options;
  const range = /^bytes (?:\*|(\d+)-\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (status === 206) {
    const isSame = [undefined, state?.validator].includes(validatorOf(headers));
    if (isSame && Number(range?.[1]) === offset)
      return { start: offset, total: naturalOf(range?.[2]) };
    await dropPart(path);
    throw new Interrupted(`${hostOf(url)} sent a part of another file, or another part`);
  }
  if (status === 200) {
    await dropPart(path);
    const validator = validatorOf(headers);
    if (validator !== undefined) await writePartState(path, { url, validator });
    return { start: 0, total: naturalOf(headers.get('content-length') ?? undefined) };
  }
  if (status === 416) {
    if (offset > 0 && naturalOf(range?.[2]) === offset) return { start: offset, total: offset };
    await dropPart(path);
    throw new Interrupted(`${hostOf(url)} no longer has a file of that size`);
  }
  const answer = `${hostOf(url)} answered ${status} ${response.statusText}`.trimEnd();
  if (status === 408 || status === 429 || status >= 500) {
    throw new Interrupted(answer, retryAfterMs(headers, Date.now()));
  }
  throw refused(url, answer);
}

/** Appends a body to the part, and checks that it was all. */
async function receive(
  response: Response,
  { start, total }: Plan,
  { options, limits, clock }: { options: DownloadOptions; limits: DownloadLimits; clock: Clock },
): Promise<void> {
  const { url, path, onProgress } = options;
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  let bytes = start;
  await using file = await open(partOf(path), start === 0 ? 'w' : 'a').catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  for (;;) {
    onProgress?.({ bytes, total });
    const { value } = await impatiently(clock, reader.read(), limits.silenceMs, hostOf(url));
    if (value === undefined) break;
    checkSize(bytes + value.length, options, limits);
    await file.appendFile(value).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    bytes += value.length;
  }
  if (total !== undefined && bytes < total) throw cutShort(url, bytes, total);
  await file.sync().catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
}

/** Verifies the whole part and puts it in place. */
async function finish({ path, url, known = {} }: DownloadOptions): Promise<Downloaded> {
  const part = partOf(path);
  const { size } = await stat(part);
  const digests = await digestsOfFile(part);
  const wrong = mismatchOf(size, digests, known);
  if (wrong !== undefined) {
    await dropPart(path);
    throw new TesseraError('DATA_INVALID', `${url} is not the file that it should be: ${wrong}`, {
      hint: 'nothing of it was kept: try again later, or a mirror with --url; if its publisher changed it, remove its entry from downloads.json',
      details: { bytes: size, sha256: digests.sha256 },
    });
  }
  await rename(part, path).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  await rm(stateOf(path), { force: true });
  return { bytes: size, sha256: digests.sha256 };
}

/** What differs from what is known of a file, in words; undefined when nothing does. */
export function mismatchOf(
  bytes: number,
  digests: { readonly sha256: string; readonly md5: string },
  { bytes: knownBytes, digest }: NonNullable<DownloadOptions['known']>,
): string | undefined {
  if (knownBytes !== undefined && knownBytes !== bytes) {
    return `it has ${bytes} bytes, not ${knownBytes}`;
  }
  if (digest === undefined || digests[digest.algorithm].startsWith(digest.hex)) return undefined;
  const { algorithm, hex } = digest;
  return `its ${algorithm} begins with ${digests[algorithm].slice(0, hex.length)}, not ${hex}`;
}

/** Waits for the network, but not for ever. Throws  Interrupted. */
async function impatiently<T>(
  clock: Clock,
  promise: Promise<T>,
  silenceMs: number,
  host: string,
): Promise<T> {
  try {
    return await withDeadline(clock, promise, silenceMs, host);
  } catch (thrown) {
    if (!(thrown instanceof TesseraError))
      throw new Interrupted(wordsOf(thrown, host), undefined, thrown);
    if (thrown.code !== 'TIMEOUT') throw thrown;
    throw new Interrupted(`${host} was silent for ${silenceMs / 1000} s`, undefined, thrown);
  }
}

function checkSize(
  bytes: number | undefined,
  { url, known }: DownloadOptions,
  { bytesMax }: DownloadLimits,
): void {
  const limit = known?.bytes ?? bytesMax;
  if (bytes === undefined || bytes <= limit) return;
  throw new TesseraError(
    'DATA_INVALID',
    `${url} has more than the ${limit} bytes that it should have`,
    {
      hint: 'check the address; take the file from a mirror with --url',
    },
  );
}

/** The pause before another attempt; undefined when the server wants a longer one than we have patience for. */
function pauseBefore(failures: number, interrupted: Interrupted, limits: DownloadLimits) {
  const own = Math.min(limits.pauseMaxMs, limits.pauseMs * 2 ** (failures - 1));
  const wished = interrupted.retryAfterMs ?? 0;
  return wished > limits.pauseMaxMs ? undefined : Math.max(own, wished);
}

function partOf(path: string): string {
  return `${path}.part`;
}

function stateOf(path: string): string {
  return `${path}.part.json`;
}

async function partBytes(path: string): Promise<number> {
  return (await stat(partOf(path)).catch(() => undefined))?.size ?? 0;
}

async function dropPart(path: string): Promise<void> {
  await rm(partOf(path), { force: true });
  await rm(stateOf(path), { force: true });
}

/** What a part is of, when that is known and it is of this address. */
async function readPartState(path: string, url: string): Promise<PartState | undefined> {
  try {
    const state: unknown = JSON.parse(await readFile(stateOf(path), 'utf8'));
    const { url: of, validator } = state as Partial<Record<string, unknown>>;
    return of === url && typeof validator === 'string' ? { url, validator } : undefined;
  } catch {
    return undefined;
  }
}

async function writePartState(path: string, state: PartState): Promise<void> {
  await writeFile(stateOf(path), `${JSON.stringify(state)}\n`).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
}

/** A strong ETag, else the date: what If-Range may carry (RFC 9110, 13.1.5). */
function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get('etag');
  if (tag !== null && !tag.startsWith('W/')) return tag;
  return headers.get('last-modified') ?? undefined;
}

function naturalOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function cutShort(url: string, bytes: number, total: number): Interrupted {
  return new Interrupted(
    `${hostOf(url)} stopped after ${formatBytes(bytes)} of ${formatBytes(total)}`,
  );
}

function wordsOf(thrown: unknown, host: string): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return `the connection to ${host} failed: ${cause instanceof Error ? cause.message : String(cause)}`;
}

function givenUp(
  { url, path }: DownloadOptions,
  last: Interrupted,
  attempts: number,
): TesseraError {
  return new TesseraError(
    'TIMEOUT',
    `cannot download ${url}: ${last.message} (${attempts} attempts)`,
    {
      hint: `type it again to go on where it stopped (${partOf(path)}), or choose a mirror with --url`,
      cause: last,
    },
  );
}

function refused(url: string, answer: string): TesseraError {
  return new TesseraError('DATA_INVALID', `cannot download ${url}: ${answer}`, {
    hint: 'open the address in a browser to see whether it moved, and give a new one with --url',
  });
}

function cannotWrite(path: string, cause: unknown): TesseraError {
  const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC';
  const reason = isFull
    ? 'the disk is full'
    : cause instanceof Error
      ? cause.message
      : String(cause);
  const extras: ErrorExtras = {
    hint: 'free some space or choose another folder with --out, and type it again: what arrived is kept',
    cause,
  };
  return new TesseraError('CANNOT_WRITE', `cannot write ${path}: ${reason}`, extras);
}
