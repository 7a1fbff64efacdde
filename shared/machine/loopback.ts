/** @file Whether this machine can reach itself: a network namespace begins without that, and so do some containers. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
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
