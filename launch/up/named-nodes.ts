/** @file The place of a node among those that `--nodes` names. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { ALONE, type NodeFacts, type NodePlace } from './place.ts';

/** The place of this node among `nodes`, by `--node-index`, its names or its addresses. Throws  USAGE. */
export function namedPlace(facts: NodeFacts, nodes: readonly string[]): NodePlace {
  const index = facts.nodeIndex ?? ownIndex(facts, nodes);
  if (index >= nodes.length) {
    const last = nodes.length - 1;
    throw new TesseraError(
      'USAGE',
      `--node-index ${index} is beyond the last of --nodes, ${last}`,
      {
        hint: 'it counts from 0, as the nodes are listed',
      },
    );
  }
  const first = nodes.length === 1 ? undefined : nodes[0];
  return { ...ALONE, by: 'nodes', isFirst: index === 0, first, count: nodes.length };
}

function ownIndex(facts: NodeFacts, nodes: readonly string[]): number {
  const own = nodes.flatMap((node, index) => (isOwn(node, facts) ? [index] : []));
  const [only, ...others] = own;
  if (only !== undefined && others.length === 0) return only;
  const { hostname, addresses } = facts;
  const who = `this machine is ${[hostname, ...addresses].join(', ')}`;
  const what = only === undefined ? 'none' : 'more than one';
  throw new TesseraError('USAGE', `${what} of the nodes ${nodes.join(', ')} is this one: ${who}`, {
    hint: 'say which it is, from 0: --node-index NUMBER',
  });
}

/** Whether a name or an address is of this machine. */
function isOwn(node: string, { hostname, fullNames, addresses, resolved }: NodeFacts): boolean {
  const mine = new Set(addresses.map(plain));
  if (mine.has(plain(node)) || isLoopbackName(node)) return true;
  if ([hostname, ...fullNames].some((name) => areSame(plain(node), plain(name)))) return true;
  // What resolves to a loopback address here is the machine itself: Debian gives its name 127.0.1.1.
  return (resolved?.get(node) ?? []).some((one) => mine.has(plain(one)) || one.startsWith('127.'));
}

function isLoopbackName(node: string): boolean {
  return plain(node) === 'localhost' || /^127\.|^::1$/.test(node);
}

/** Whether two names are of one host; a short name is that of any domain. */
function areSame(one: string, other: string): boolean {
  if (one === other) return true;
  if (/^[\d.]+$|:/.test(one + other)) return false;
  return (!one.includes('.') || !other.includes('.')) && short(one) === short(other);
}

function short(name: string): string {
  return name.split('.')[0] as string;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}
