/** @file HOST:PORT: its form, its host, and which addresses are this machine's own. Pure. */
import { TesseraError } from './errors.ts';

/** An address: a name, an IPv4 address or an IPv6 address in brackets, and a port. */
export const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/;

/** What listens on one of these listens on all addresses of its machine. */
const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0', '*']);

/**
 * An address that is HOST:PORT.
 *
 * Throws  USAGE when it is not.
 */
export function checkAddress(address: string): string {
  const port = ADDRESS.exec(address)?.[1];
  if (port !== undefined && Number(port) <= 0xffff) return address;
  throw new TesseraError('USAGE', `"${address}" is not an address of a coordinator`, {
    hint: 'give HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051',
  });
}

/** The host of a HOST:PORT, without the brackets of an IPv6 address. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** The address of a host, a name or an address, with a port. */
export function addressWith(host: string, port: number): string {
  const plain = host.replace(/^\[|\]$/g, '');
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port}`;
}

/** The port of a HOST:PORT. */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** The same host with another port. */
export function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  const host = hostOf(address).toLowerCase();
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Whether an address, which then can only be listened on, stands for all of a machine's. */
export function isEverywhere(address: string): boolean {
  return ALL_ADDRESSES.has(hostOf(address));
}

/** Where this machine itself dials what listens at `bound`. */
export function ownAddress(bound: string): string {
  return isEverywhere(bound) ? `127.0.0.1${bound.slice(bound.lastIndexOf(':'))}` : bound;
}
