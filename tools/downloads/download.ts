/**
 * @file Fetches a large file over a network that drops, stalls and lies, and puts it in place whole and verified.
 *
 * The received bytes are kept in `NAME.part`; `NAME.part.json` says what they are a part of. The download resumes only
 * when the server proves with its validator (ETag or Last-Modified, in If-Range) that the file is still the same.
 */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline } from '../../shared/core/async.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { digestsOfFile, type KnownContent, mismatchOf } from '../../shared/files/known-file.ts';
import { makeFolders } from '../../shared/files/make-folders.ts';
import {
  cannotKeep,
  completePart,
  dropPart,
  partBytes,
  partOf,
  readPartState,
} from './download-part.ts';
import { hostOf, Interrupted, planOf, type ReplyPlan } from './download-reply.ts';
import { openUrl, parseWebAddress, type Send } from './http.ts';

/** What a download may cost. */
interface DownloadLimits {
  /** Longest time without a byte before the connection is closed. */
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
  readonly known?: KnownContent;
  readonly limits?: Partial<DownloadLimits>;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** How requests are sent, where a proxy or certificates of one's own are needed; by `fetch` unless given. */
  readonly send?: Send;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Called with the reason of a failed attempt and the pause before the next one. */
  readonly onRetry?: (reason: string, pauseMs: number) => void;
}

/** A file that has arrived. */
export interface Downloaded {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Fetches `url` into `path`: resumes an existing part, retries within a budget.
 *
 * Throws  DATA_INVALID when the server refuses or the file is not the known one; TIMEOUT when the budget is used up,
 *         the part is then kept; CANNOT_WRITE; CANCELLED by the signal.
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  parseWebAddress(options.url);
  const limits = { ...LIMITS, ...options.limits };
  const clock = options.clock ?? systemClock;
  await makeFolders(dirname(options.path)).catch((error: unknown) => {
    throw cannotKeep(options.path, error);
  });
  let failures = 0;
  for (let attempt = 1; ; attempt += 1) {
    const before = await partBytes(options.path);
    const outcome = await attemptOnce(options, limits, clock);
    if (!(outcome instanceof Interrupted)) return outcome;
    failures = (await partBytes(options.path)) > before ? 1 : failures + 1;
    const isLast = failures >= limits.attempts || attempt >= ATTEMPTS_MAX;
    const pauseMs = isLast ? undefined : pauseBefore(failures, outcome, limits);
    if (pauseMs === undefined) throw failedDownload(options, outcome, attempt);
    options.onRetry?.(outcome.message, pauseMs);
    await clock.sleep(pauseMs, options.signal);
  }
}

/** One attempt and its check; a failure that a retry may fix is returned, not thrown. */
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

/** Asks for what is missing and appends it to the part. */
async function fetchRest(options: DownloadOptions, limits: DownloadLimits, clock: Clock) {
  const { url, path } = options;
  const cancel = new AbortController();
  options.signal?.throwIfAborted();
  const signal = AbortSignal.any([cancel.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    const state = await readPartState(path, url);
    const offset = state === undefined ? 0 : await partBytes(path);
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (state !== undefined && offset > 0) {
      headers['range'] = `bytes=${offset}-`;
      headers['if-range'] = state.validator;
    }
    const opening = openUrl(url, { headers, signal }, options.send);
    const response = await impatiently(clock, opening, limits.silenceMs, hostOf(url));
    const plan = await planOf(response, { offset, state }, options);
    checkSize(plan.total, options, limits);
    // The reply to a part that is already complete is 416.
    if (response.status !== 416) await receive(response, plan, { options, limits, clock });
  } finally {
    cancel.abort();
  }
}

/** Appends a body to the part, and checks that it was all. */
async function receive(
  response: Response,
  { start, total }: ReplyPlan,
  { options, limits, clock }: { options: DownloadOptions; limits: DownloadLimits; clock: Clock },
): Promise<void> {
  const { url, path, onProgress } = options;
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  let bytes = start;
  await using file = await open(partOf(path), start === 0 ? 'w' : 'a').catch((error: unknown) => {
    throw cannotKeep(path, error);
  });
  for (;;) {
    onProgress?.({ bytes, total });
    const { value } = await impatiently(clock, reader.read(), limits.silenceMs, hostOf(url));
    if (value === undefined) break;
    checkSize(bytes + value.length, options, limits);
    await file.appendFile(value).catch((error: unknown) => {
      throw cannotKeep(path, error);
    });
    bytes += value.length;
  }
  if (total !== undefined && bytes < total) throw cutShort(url, bytes, total);
  await file.sync().catch((error: unknown) => {
    throw cannotKeep(path, error);
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
    throw new TesseraError('DATA_INVALID', `${url} is not the expected file: ${wrong}`, {
      hint: 'it was deleted: try again later, or use a mirror with --url; if its publisher changed it, remove its entry from downloads.json',
      details: { bytes: size, sha256: digests.sha256 },
    });
  }
  await completePart(path);
  return { bytes: size, sha256: digests.sha256 };
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
    throw new Interrupted(`${host} sent nothing for ${silenceMs / 1000} s`, undefined, thrown);
  }
}

function checkSize(
  bytes: number | undefined,
  { url, known }: DownloadOptions,
  { bytesMax }: DownloadLimits,
): void {
  const limit = known?.bytes ?? bytesMax;
  if (bytes === undefined || bytes <= limit) return;
  throw new TesseraError('DATA_INVALID', `${url} has more than the expected ${limit} bytes`, {
    hint: 'check the address, or choose a mirror with --url',
  });
}

/** The pause before another attempt; undefined when the server wants a longer one than we have patience for. */
function pauseBefore(failures: number, interrupted: Interrupted, limits: DownloadLimits) {
  const own = Math.min(limits.pauseMaxMs, limits.pauseMs * 2 ** (failures - 1));
  const requested = interrupted.retryAfterMs ?? 0;
  return requested > limits.pauseMaxMs ? undefined : Math.max(own, requested);
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

function failedDownload(
  { url, path }: DownloadOptions,
  last: Interrupted,
  attempts: number,
): TesseraError {
  return new TesseraError(
    'TIMEOUT',
    `cannot download ${url}: ${last.message} (${attempts} attempts)`,
    {
      hint: `run the command again to resume the download (${partOf(path)}), or choose a mirror with --url`,
      cause: last,
    },
  );
}
