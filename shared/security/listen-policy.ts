/** @file Safe by default: what others can reach is not opened in plaintext by accident. */

import { checkAddress, hostOf, isEverywhere, isLoopback } from '../core/address.ts';
import { TesseraError } from '../core/errors.ts';

/** The credentials that a run requires; see `StartOptions`. */
export interface Guard {
  readonly security?: unknown;
  readonly insecure?: boolean | undefined;
}

/**
 * Judges an address before anything is opened or written there.
 *
 * Throws  ACCESS_DENIED when other machines can reach it and no credential is required; USAGE when it is not an
 *         HOST:PORT.
 */
export function refuseExposure(listen: string, { security, insecure }: Guard): void {
  checkAddress(listen);
  if (security !== undefined || insecure || isLoopback(listen)) return;
  const host = isEverywhere(listen) ? 'ADDRESS' : hostOf(listen);
  throw new TesseraError(
    'ACCESS_DENIED',
    `refusing to listen on ${listen} without TLS: other machines can reach it`,
    {
      hint: `make certificates with \`tessera certs init certs --host ${host}\` and add --certs certs/coordinator; or type --insecure on a network that you trust`,
    },
  );
}
