/** @file Hosts that were checked, as what computes for a run. */
import { portOf } from '../../shared/core/address.ts';
import type { Fleet } from '../train.ts';
import { addressesFor, type Ways } from './addresses.ts';
import type { CheckedHost } from './check.ts';
import type { HostConnection } from './connection.ts';
import { SshLauncher } from './launcher.ts';

/** What hosts are launched with. */
export interface FleetOptions {
  readonly ways: Ways;
  /** PEM. */
  readonly authority: string;
  readonly verbose: boolean;
  /** Makes a connection to a host that is started again. */
  readonly connect: (name: string) => HostConnection;
}

/** The fleet of these hosts: their connections are used for their first lives. */
export function sshFleet(
  checked: ReadonlyMap<string, CheckedHost>,
  { ways, authority, verbose, connect }: FleetOptions,
): Fleet {
  return {
    hosts: [...checked].map(([name, { ready }]) => ({ name, workers: ready.workers })),
    launcher: ({ address, token }) =>
      new SshLauncher({
        ready: new Map([...checked].map(([name, { connection }]) => [name, connection])),
        connect,
        jobFor: (seenFrom) => ({
          addresses: addressesFor(seenFrom, ways, portOf(address)),
          ...{ authority, token, verbose },
        }),
      }),
  };
}
