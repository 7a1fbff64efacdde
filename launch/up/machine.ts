/** @file What this machine knows of its names and addresses, for `nodes.ts`. */
import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';
import { readTextFile } from '../../shared/files/regular-file.ts';
import type { NodeFacts } from './place.ts';

const HOSTS_FILE = '/etc/hosts';

/** The names and addresses of this machine. Asks no name server. */
export async function machineFacts(): Promise<
  Pick<NodeFacts, 'hostname' | 'fullNames' | 'addresses'>
> {
  const own = hostname();
  const interfaces = Object.values(networkInterfaces()).flatMap((all = []) => all);
  const text = await readTextFile(HOSTS_FILE).catch(() => '');
  return {
    hostname: own,
    fullNames: fullNamesIn(text, own),
    addresses: interfaces.filter(({ internal }) => !internal).map(({ address }) => address),
  };
}

/** Names with dots that a hosts file has in one line with a host name. */
export function fullNamesIn(text: string, own: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1))
    .filter((names) => names.includes(own))
    .flatMap((names) => names.filter((name) => name.includes('.')));
}

/** The addresses of names, of those that resolve now. */
export async function resolvedNodes(
  nodes: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = await Promise.all(
    nodes.map(async (node) => {
      const all = await lookup(node, { all: true }).catch(() => []);
      return [node, all.map(({ address }) => address)] as const;
    }),
  );
  return new Map(found);
}
