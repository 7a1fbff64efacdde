/** @file Safe by default: what others can reach is not opened in plaintext by accident. */

import { hostOf, isLoopback } from '../contract/access.ts';
import { TesseraError } from '../core/errors.ts';
import { checkAddress } from '../exchange/grpc/channel.ts';

/** What a run asks of those who come; see `StartOptions`. */
export interface Guard {
  readonly security?: unknown;
  readonly insecure?: boolean | undefined;
}

/** What is listened on but never dialled. */
const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0', '*']);

/**
 * Judges an address before anything is opened or written there.
 *
 * Throws  ACCESS_DENIED when others can reach it and nobody would have to show who they are; USAGE when it is no
 *         HOST:PORT.
 */
export function refuseExposure(listen: string, { security, insecure }: Guard): void {
  checkAddress(listen);
  if (security !== undefined || insecure || isLoopback(listen)) return;
  const host = hostOf(listen);
  throw new TesseraError(
    'ACCESS_DENIED',
    `${listen} can be reached by others, and nobody would have to show who they are`,
    {
      hint: `make certificates with \`tessera certs init certs --host ${ALL_ADDRESSES.has(host) ? 'ADDRESS' : host}\` and add --certs certs/coordinator; or type --insecure on a network that you trust`,
    },
  );
}
