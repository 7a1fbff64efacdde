/** @file HTTP as a downloader needs it: redirects that never lose the encryption, and the server's wish for a pause. */
import { TesseraError } from '../core/errors.ts';

const REDIRECTS_MAX = 10;

/**
 * Opens an address, following redirects: from https only to https.
 *
 * Throws  DATA_INVALID for a redirect that is none; what `fetch` throws when the network fails.
 */
export async function openUrl(
  address: string,
  request: { readonly headers: Record<string, string>; readonly signal: AbortSignal },
): Promise<Response> {
  let url = parseWebAddress(address);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const response = await fetch(url, { ...request, redirect: 'manual' });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = parseWebAddress(
      URL.canParse(location, url.href) ? new URL(location, url).href : location,
    );
    if (url.protocol === 'https:' && next.protocol !== 'https:') {
      throw new TesseraError(
        'DATA_INVALID',
        `${url.host} redirects to ${next.href}, without encryption`,
        {
          hint: 'choose an https mirror with --url',
        },
      );
    }
    url = next;
  }
  throw new TesseraError('DATA_INVALID', `${address} redirects more than ${REDIRECTS_MAX} times`, {
    hint: 'choose another address with --url',
  });
}

/** An http or https address. Throws  USAGE for anything else. */
export function parseWebAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new TesseraError('USAGE', `${address} is no web address`, {
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
