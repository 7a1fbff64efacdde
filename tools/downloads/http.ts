/** @file HTTP for downloads: redirects that never lose the encryption, and the pause that a server requests. */
import { TesseraError } from '../../shared/core/errors.ts';

const REDIRECTS_MAX = 10;

/** What is asked of a server, besides the address. */
export interface WebRequest {
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
}

/** Sends one request; a redirect is a reply like any other. Throws  when the network fails. */
export type Send = (url: URL, request: WebRequest) => Promise<Response>;

const sendByFetch: Send = (url, request) => fetch(url, { ...request, redirect: 'manual' });

/**
 * Opens an address, following redirects: from https only to https.
 *
 * Throws  DATA_INVALID for a redirect that is none; what `send` throws when the network fails.
 */
export async function openUrl(
  address: string,
  request: WebRequest,
  send: Send = sendByFetch,
): Promise<Response> {
  let url = parseWebAddress(address);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const response = await send(url, request);
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    url = redirectTarget(url, location);
  }
  throw new TesseraError('DATA_INVALID', `${address} redirects more than ${REDIRECTS_MAX} times`, {
    hint: 'choose another address with --url',
  });
}

/** The target of a redirect. Throws  DATA_INVALID when it is not a web address, or drops the encryption. */
export function redirectTarget(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isWeb = next?.protocol === 'https:' || next?.protocol === 'http:';
  if (next !== undefined && isWeb && (from.protocol === 'http:' || next.protocol === 'https:')) {
    return next;
  }
  throw new TesseraError(
    'DATA_INVALID',
    `${from.host} redirects to ${location}, which is not followed`,
    {
      hint: 'from https only redirects to https are followed: choose another mirror with --url',
    },
  );
}

/** An http or https address. Throws  USAGE for anything else. */
export function parseWebAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new TesseraError('USAGE', `${address} is not a web address`, {
    hint: 'an address begins with https:// (or http://)',
  });
}

/** The pause that `Retry-After` asks for, in seconds or as a date. Units  milliseconds from `nowMs` (Unix time). */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
