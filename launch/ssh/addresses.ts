/** @file Where hosts dial the coordinator, and where it listens for them. Pure. */
import { isIPv6 } from 'node:net';
import { addressWith, isLoopback } from '../../shared/core/address.ts';

/** What is known of the way between the launcher and its hosts. */
export interface Ways {
  /** `--address`: the only one, where it is given. */
  readonly named: string | undefined;
  /** Addresses of this machine in its networks, without loopback. */
  readonly own: readonly string[];
  /** The launcher as each host sees it; '' for this machine. */
  readonly seen: readonly string[];
}

const LOOPBACK = '127.0.0.1';

/** The hosts that the coordinator's certificate is for. */
export function namesOf({ named, own, seen }: Ways): readonly string[] {
  if (named !== undefined) return [named];
  return unique([...seen.filter((address) => address !== ''), ...own]).filter(isUsable);
}

/** Where the coordinator listens. */
export function listenHost(ways: Ways): string {
  const names = namesOf({ ...ways, own: [] });
  if (names.every((name) => isLoopback(addressWith(name, 1)))) return LOOPBACK;
  const all = namesOf(ways);
  return all.every((name) => isIPv6(name)) ? '::' : '0.0.0.0';
}

/**
 * Where one host may dial, the best first: the address by which it sees us where that is ours, then our others. Behind a
 * jump host it sees that one, behind a NAT its router: such an address is tried last.
 */
export function addressesFor(seen: string, ways: Ways, port: number): readonly string[] {
  if (ways.named !== undefined) return [addressWith(ways.named, port)];
  if (seen === '') return [addressWith(LOOPBACK, port)];
  const isOurs = ways.own.includes(seen) || isLoopback(addressWith(seen, 1));
  const order = isOurs ? [seen, ...ways.own] : [...ways.own, seen];
  return unique(order.filter(isUsable)).map((host) => addressWith(host, port));
}

/** An address of one link is good by the name of an interface only, which no certificate can be for. */
function isUsable(address: string): boolean {
  return !/%|^fe80:/i.test(address);
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
