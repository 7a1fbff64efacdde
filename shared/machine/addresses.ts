/** @file The addresses of this machine: where others reach it, and whether it can reach itself. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isEverywhere, ownAddress } from '../core/address.ts';
import { NO_LOOPBACK_HINT, reasonOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';

/** A connection within one machine takes no time at all. */
const CONNECT_MS = 3000;

/**
 * States that a process here can reach another one at a loopback address, by one connection to itself.
 *
 * Throws  SYSTEM.
 */
export async function assertLoopback(host: string): Promise<void> {
  const server = createServer((caller) => caller.destroy());
  try {
    server.listen(0, host);
    await once(server, 'listening');
    const caller = connect((server.address() as AddressInfo).port, host);
    try {
      await once(caller, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    } finally {
      caller.on('error', () => {}).destroy();
    }
  } catch (error) {
    throw new TesseraError(
      'SYSTEM',
      `this machine cannot reach itself at ${host}: ${reasonOf(error)}`,
      { hint: NO_LOOPBACK_HINT, cause: error },
    );
  } finally {
    server.close();
  }
}

/**
 * Where other machines dial what listens at `bound`: there, or, when it listens everywhere, at this machine's address in
 * each of its networks; at its own where it has no network.
 */
export function dialledAddresses(bound: string, interfaces = networkInterfaces()): string[] {
  if (!isEverywhere(bound)) return [bound];
  const known = Object.values(interfaces).flatMap((addresses = []) => addresses);
  const others = known.filter(({ internal }) => !internal);
  const v4 = others.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
  // fe80: is good within one network and by the name of an interface only.
  const v6 = others
    .filter(({ family, address }) => family === 'IPv6' && !address.startsWith('fe80:'))
    .map(({ address }) => `[${address}]`);
  const hosts = v4.length > 0 || bound.startsWith('0.') ? v4 : v6;
  if (hosts.length === 0) return [ownAddress(bound)];
  return hosts.map((host) => `${host}${bound.slice(bound.lastIndexOf(':'))}`);
}
