/** @file The addresses at which a listener can be reached: "all addresses" is not one of them. */
import { networkInterfaces } from 'node:os';
import { isEverywhere, ownAddress } from '../core/address.ts';

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
