/** @file A node that is not the first: meets the first one, computes for its run, and follows it where it goes. */
import { join } from 'node:path';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { CREDENTIAL_FILES } from '../../shared/security/credentials.ts';
import { addressesOf, type Meeting, meetFirst } from './meet.ts';

/** What a node does once the first one is there. */
export interface FollowOptions extends Meeting {
  /**
   * Computes for the run at an address until it is over, or the signal aborts; returns the exit code.
   *
   * Throws  what ended it badly.
   */
  readonly work: (address: string, signal: AbortSignal) => Promise<number>;
}

const LOOK_MS = 2_000;

/**
 * Works for the run of the first node until it is over; returns the exit code. Once the first node is elsewhere, or has
 * other credentials, it is met again.
 *
 * Throws  as `meetFirst` and `work` do; the reason of the signal.
 */
export async function followFirst(options: FollowOptions): Promise<number> {
  const { signal, clock, say, work } = options;
  for (;;) {
    const met = await meetFirst(options);
    if (met === undefined) {
      say('the run is done already');
      return 0;
    }
    const { address } = met;
    say(`the first node is at ${address}`);
    const authority = await authorityOf(options);
    const hasMoved = async () => {
      const now = await addressesOf(options);
      // While it says nothing it may come back where it was.
      const isElsewhere = now !== undefined && !now.includes(address);
      return isElsewhere || (await authorityOf(options)) !== authority;
    };
    const moved = new AbortController();
    const stopLooking = clock.every(LOOK_MS, () => {
      void hasMoved().then((isSo) => isSo && moved.abort());
    });
    try {
      const code = await work(address, AbortSignal.any([signal, moved.signal]));
      signal.throwIfAborted();
      if (!moved.signal.aborted) return code;
    } catch (error) {
      signal.throwIfAborted();
      if (!(await hasMoved())) throw error;
    } finally {
      stopLooking();
    }
    say('the first node is elsewhere now');
  }
}

/** The authority that this node trusts; '' for none. */
async function authorityOf({ joinFolder }: Meeting): Promise<string> {
  if (joinFolder === undefined) return '';
  const path = join(joinFolder, 'worker', CREDENTIAL_FILES.authority);
  return await readTextFile(path).catch(() => '');
}
