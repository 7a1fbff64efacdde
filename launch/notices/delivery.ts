/** @file What becomes of a notice after a try to deliver it. Pure. */

/** How a try ended: with an HTTP status, or without one. */
export type Tried =
  | {
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      readonly location: string | null;
    }
  | { readonly failure: string };

/** What to do next. */
type Next =
  | { readonly type: 'delivered' }
  | { readonly type: 'again'; readonly afterMs: number }
  | { readonly type: 'abandoned'; readonly reason: string };

/** Tries of one notice, and the pauses between them: doubled each time. */
const TRIES_MAX = 4;
const PAUSE_MS = 1000;
const PAUSE_FACTOR = 4;
/** A server that asks for a longer pause is not asked again. */
const PAUSE_MS_MAX = 60_000;

/** Statuses after which the same request may succeed. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Decides after try `number`, from 1; `retriesLeft` are those of the whole run. */
export function nextAfter(tried: Tried, number: number, retriesLeft: number): Next {
  if ('failure' in tried) return again(tried.failure, undefined, { number, retriesLeft });
  const { status, retryAfterMs, location } = tried;
  if (status >= 200 && status < 300) return { type: 'delivered' };
  if (status >= 300 && status < 400) {
    const to = location === null ? '' : ` to ${hostIn(location)}`;
    const reason = `it redirects (HTTP ${status})${to}, which is not followed: give the address that it leads to`;
    return { type: 'abandoned', reason };
  }
  const reason = `it replies HTTP ${status}`;
  if (status < 500 && !PASSING.has(status)) return { type: 'abandoned', reason };
  return again(reason, retryAfterMs, { number, retriesLeft });
}

function again(
  reason: string,
  wantedMs: number | undefined,
  { number, retriesLeft }: { readonly number: number; readonly retriesLeft: number },
): Next {
  const afterMs = Math.max(PAUSE_MS * PAUSE_FACTOR ** (number - 1), wantedMs ?? 0);
  if (number >= TRIES_MAX || retriesLeft <= 0 || afterMs > PAUSE_MS_MAX) {
    const tries = number === 1 ? '1 try' : `${number} tries`;
    return { type: 'abandoned', reason: `${reason}, after ${tries}` };
  }
  return { type: 'again', afterMs };
}

/** The host of a redirect: what follows it may be a secret. */
function hostIn(location: string): string {
  return URL.canParse(location) ? new URL(location).host : 'another path';
}
