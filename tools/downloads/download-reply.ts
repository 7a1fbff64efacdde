/** @file Reads a server's reply to a request for a file or the rest of one: where its bytes belong, or that it is refused. */
import { TesseraError } from '../../shared/core/errors.ts';
import { dropPart, type PartState, writePartState } from './download-part.ts';
import { retryAfterMs } from './http.ts';

/** A failure that a retry may fix. */
export class Interrupted extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number, cause?: unknown) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

/** Where the bytes of a response belong, and how many the file has in all. */
export interface ReplyPlan {
  readonly start: number;
  readonly total: number | undefined;
}

/** Reads status and headers. Throws  Interrupted or DATA_INVALID for a reply that is not (part of) the file. */
export async function planOf(
  response: Response,
  { offset, state }: { readonly offset: number; readonly state: PartState | undefined },
  { url, path }: { readonly url: string; readonly path: string },
): Promise<ReplyPlan> {
  const { status, headers } = response;
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
  const answer = `${hostOf(url)} returned ${status} ${response.statusText}`.trimEnd();
  if (status === 408 || status === 429 || status >= 500) {
    throw new Interrupted(answer, retryAfterMs(headers, Date.now()));
  }
  throw refused(url, answer);
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

/** The host of an address, for sentences. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

function refused(url: string, answer: string): TesseraError {
  return new TesseraError('DATA_INVALID', `cannot download ${url}: ${answer}`, {
    hint: 'open the address in a browser to see whether it moved, and give a new one with --url',
  });
}
