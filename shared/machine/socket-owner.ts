/**
 * @file Which account of this machine is at the other end of a loopback connection, by the kernel's table of sockets.
 *
 * In plaintext every account of a machine can connect. What only the own account may do is allowed by this. Elsewhere
 * than on Linux the owner is not known, and nothing is allowed.
 */
import { readFileSync } from 'node:fs';
import { isLoopback } from '../core/address.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;
/** State of a socket that listens. */
const LISTENS = '0A';
const MAPPED = '0000000000000000FFFF0000';
const LOOPBACK_6 = '00000000000000000000000001000000';
const ROOT = 0;

/** One socket of the table. */
interface Row {
  readonly local: string;
  readonly remotePort: number;
  readonly state: string;
  readonly user: number;
}

/** Whether a peer (`127.0.0.1:41234`) that has connected to our port is a process of this account, or of root. */
export function isOwnPeer(peer: string, ownPort: number, tables = readTables()): boolean {
  const ends = addressesOf(peer);
  const rows = rowsOf(tables).filter(
    (row) => ends.includes(row.local) && row.remotePort === ownPort,
  );
  return isOwn(rows);
}

/** Whether what listens at a loopback address is a process of this account, or of root. */
export function isOwnListener(address: string, tables = readTables()): boolean {
  if (!isLoopback(address)) return false;
  const port = hexPort(portOf(address));
  // One that listens everywhere may be the one that is reached.
  const rows = rowsOf(tables).filter(
    ({ local, state }) => state === LISTENS && local.endsWith(`:${port}`),
  );
  return isOwn(rows);
}

function isOwn(rows: readonly Row[]): boolean {
  const user = process.getuid?.();
  return rows.length > 0 && rows.every((row) => row.user === user || row.user === ROOT);
}

function readTables(): string[] {
  return TABLES.flatMap((path) => {
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
}

function rowsOf(tables: readonly string[]): Row[] {
  return tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local, remote, state, , , , user] = line.trim().split(/\s+/);
        if (local === undefined || remote === undefined || user === undefined) return [];
        const remotePort = Number.parseInt(remote.slice(remote.indexOf(':') + 1), 16);
        return [{ local, remotePort, state: state ?? '', user: Number(user) }];
      }),
  );
}

/** How the table may write a loopback address and its port; it writes words of the processor, low byte first. */
function addressesOf(peer: string): string[] {
  const port = hexPort(portOf(peer));
  const host = peer
    .slice(0, peer.lastIndexOf(':'))
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:/i, '');
  if (host === '::1') return [`${LOOPBACK_6}:${port}`];
  if (!/^127(?:\.\d{1,3}){3}$/.test(host)) return [];
  const word = host
    .split('.')
    .reverse()
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  return [`${word}:${port}`, `${MAPPED}${word}:${port}`];
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
