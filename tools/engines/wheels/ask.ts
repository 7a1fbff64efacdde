/** @file Asks a package index which files a project has, over a network that drops and stalls. */
import { withDeadline } from '../../../shared/core/async.ts';
import { type Clock, systemClock } from '../../../shared/core/clock.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { openUrl, retryAfterMs, type Send } from '../../downloads/http.ts';
import { filesOfPage, type OfferedFile, PAGE_TYPES } from './page.ts';
import { normalised } from './wheel-name.ts';

const ATTEMPTS = 4;
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;
/** Of a whole page. The largest of PyPI have some 20 MB. */
const DEADLINE_MS = 60_000;
const PAGE_BYTES_MAX = 64 * 1024 ** 2;

/** How an index is asked. */
export interface Asking {
  readonly send: Send;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly onRetry?: (reason: string, pauseMs: number) => void;
}

/**
 * The files of a project; undefined where the index has no such project.
 *
 * Throws  DATA_INVALID when the index refuses or sends something else; TIMEOUT when it cannot be reached; CANCELLED.
 */
export async function askIndex(
  index: string,
  project: string,
  asking: Asking,
): Promise<readonly OfferedFile[] | undefined> {
  const { clock = systemClock, signal, onRetry } = asking;
  const address = `${index}/${normalised(project)}/`;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await askOnce(address, asking).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof TesseraError && error.code !== 'TIMEOUT') throw error;
      return { reason: reasonOf(error), afterMs: 0 };
    });
    if (outcome === undefined || !('reason' in outcome)) return outcome;
    const { reason, afterMs } = outcome;
    if (attempt >= ATTEMPTS || afterMs > PAUSE_MS_MAX) {
      throw new TesseraError('TIMEOUT', `cannot ask ${address}: ${reason} (${attempt} attempts)`, {
        hint: 'check the network and the proxy (HTTPS_PROXY), use a mirror with --index, or give the wheels with --from',
      });
    }
    const pauseMs = Math.max(afterMs, PAUSE_MS * 2 ** (attempt - 1));
    onRetry?.(reason, pauseMs);
    await clock.sleep(pauseMs, signal);
  }
}

async function askOnce(address: string, { send, signal, clock = systemClock }: Asking) {
  const cancel = new AbortController();
  const request = {
    headers: { accept: PAGE_TYPES, 'accept-encoding': 'identity' },
    signal: AbortSignal.any([cancel.signal, signal]),
  };
  const { host } = new URL(address);
  try {
    const reading = readPage(address, request, send);
    return await withDeadline(clock, reading, DEADLINE_MS, `the page of ${host}`);
  } finally {
    cancel.abort();
  }
}

async function readPage(address: string, request: Parameters<Send>[1], send: Send) {
  const { host } = new URL(address);
  const reply = await openUrl(address, request, send);
  if (reply.status === 404) return undefined;
  const words = `${host} returned ${reply.status} ${reply.statusText}`.trimEnd();
  if (reply.status === 408 || reply.status === 429 || reply.status >= 500) {
    return { reason: words, afterMs: retryAfterMs(reply.headers, Date.now()) ?? 0 };
  }
  if (reply.status !== 200) {
    throw new TesseraError('DATA_INVALID', `cannot ask ${address}: ${words}`, {
      hint: 'check the address of the index, and its name and password where it asks for them',
    });
  }
  const text = await textOf(reply, address);
  const type = reply.headers.get('content-type') ?? '';
  return filesOfPage(text, { type, address: reply.url || address });
}

async function textOf(reply: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = (reply.body ?? new ReadableStream<Uint8Array>()).getReader();
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes += value.length;
    if (bytes > PAGE_BYTES_MAX) {
      throw new TesseraError('DATA_INVALID', `${address} does not end`, {
        hint: 'it is not the page of a package index: choose another with --index',
      });
    }
    chunks.push(value);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return error instanceof TesseraError ? error.sentence : message;
}
