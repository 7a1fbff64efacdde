/** @file `tessera coordinator`: a run whose workers join from elsewhere. */

import { isLoopback } from '../../shared/core/address.ts';
import { dialledAddresses } from '../../shared/machine/addresses.ts';
import { driveRun, type RunOptions } from '../run/run.ts';
import { commandLine, lineElsewhere } from '../terminal/command-text.ts';
import { pointer } from '../terminal/output.ts';

/** Runs a coordinator to the end of its run. Throws  what ended it badly. */
export async function runCoordinator(options: RunOptions): Promise<void> {
  await driveRun(options, {
    command: 'coordinator',
    banner: ({ address }) => [
      ...dialledAddresses(address).map((host, index) => {
        const args = ['worker', host, ...how(options)];
        const line = isLoopback(host) ? commandLine(args) : lineElsewhere(args);
        return pointer(index === 0 ? 'join with' : 'or', line);
      }),
      '',
    ],
  });
}

/** How workers show who they are, or that they need not. */
function how({ certs, tokenFile, insecure }: RunOptions): string[] {
  if (certs === undefined) return insecure ? ['--insecure'] : [];
  return tokenFile === undefined
    ? ['--certs', 'FOLDER']
    : ['--ca', 'ca.crt', '--token-file', 'FILE'];
}
