/** @file The first node of `tessera up`: as `train`, at an address that the others find. */
import { isIP } from 'node:net';
import { AUTO } from '../../launch/begin/run-place.ts';
import type { Run } from '../../launch/train.ts';
import { removeAddresses, writeAddresses } from '../../launch/up/address-file.ts';
import { type JoinFolder, prepareJoinFolder } from '../../launch/up/join-folder.ts';
import { DEFAULT_PORT } from '../../launch/up/paths.ts';
import type { NodePlace } from '../../launch/up/place.ts';
import { addressWith, portOf } from '../../shared/core/address.ts';
import { dialledAddresses } from '../../shared/machine/addresses.ts';
import { driveRun } from '../run/run.ts';
import { pointer } from '../terminal/output.ts';
import type { StartedNode, UpOptions } from './up.ts';

/** Runs the first node to the end of the run; returns the exit code. Throws  what ended it badly. */
export async function runFirst(options: UpOptions, node: StartedNode): Promise<number> {
  const { place, hosts, runFolder, joinFolder } = node;
  const { first } = place;
  const { insecure, ...flags } = options;
  const run = { ...flags, runFolder, resume: AUTO, ...(insecure && { insecure }) };
  if (first === undefined) {
    await driveRun(run, { command: 'up', banner: () => [pointer('nodes', nodesText(place)), ''] });
    return 0;
  }
  const join =
    joinFolder === undefined
      ? undefined
      : await prepareJoinFolder(joinFolder, { first, hosts: [first, ...hosts] });
  // Where the others are not shown the port, it is the one that they expect.
  const port = options.port ?? (join?.isOurs ? 0 : DEFAULT_PORT);
  const families = hosts.map(isIP);
  const everywhere = families.includes(6) && !families.includes(4) ? '::' : '0.0.0.0';
  try {
    await driveRun(
      {
        ...run,
        listen: addressWith(everywhere, port),
        ...(join && { certs: join.certs }),
      },
      {
        command: 'up',
        isShared: true,
        banner: (started) => [
          pointer('nodes', nodesText(place)),
          pointer('others dial', [...addressesFor(started, node)].slice(0, 1).join('')),
          '',
        ],
        started: (started) => announce(started, node, join),
      },
    );
  } finally {
    if (join?.isOurs) await removeAddresses(join.folder);
  }
  return 0;
}

async function announce(run: Run, node: StartedNode, join: JoinFolder | undefined): Promise<void> {
  if (!join?.isOurs) return;
  const { life } = node.place;
  await writeAddresses(join.folder, { life, addresses: addressesFor(run, node) });
}

/** Where the first node may be dialled, the best first. */
function addressesFor({ address }: Run, { place, hosts }: StartedNode): readonly string[] {
  const port = portOf(address);
  const names = [place.first, hosts[0]].filter((name) => name !== undefined);
  const all = [...names.map((name) => addressWith(name, port)), ...dialledAddresses(address)];
  return [...new Set(all)];
}

function nodesText({ by, count, first }: NodePlace): string {
  const source = { nodes: '--nodes', slurm: 'Slurm', kubernetes: 'Kubernetes', none: '' }[by];
  if (first === undefined) return 'this one alone';
  return `${count === undefined ? 'this is the first' : `the first of ${count}`}, by ${source}`;
}
