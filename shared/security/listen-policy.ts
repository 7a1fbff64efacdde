/** @file Safe by default: what others can reach is not opened in plaintext by accident. */

import { checkAddress, hostOf, isEverywhere, isLoopback } from '../core/address.ts';
import { TesseraError } from '../core/errors.ts';

/** What a run asks of those who come; see `StartOptions`. */
export interface Guard {
  readonly security?: unknown;
  readonly insecure?: boolean | undefined;
}

/**
 * Judges an address before anything is opened or written there.
 *
 * Throws  ACCESS_DENIED when others can reach it and nobody would have to show who they are; USAGE when it is no
 *         HOST:PORT.
 */
export function refuseExposure(listen: string, { security, insecure }: Guard): void {
  checkAddress(listen);
  if (security !== undefined || insecure || isLoopback(listen)) return;
  const host = isEverywhere(listen) ? 'ADDRESS' : hostOf(listen);
  throw new TesseraError(
    'ACCESS_DENIED',
    `${listen} can be reached by others, and nobody would have to show who they are`,
    {
      hint: `make certificates with \`tessera certs init certs --host ${host}\` and add --certs certs/coordinator; or type --insecure on a network that you trust`,
    },
  );
}
