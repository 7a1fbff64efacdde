/** @file Which account is at the other end of a loopback connection, by tables of the kernel and by this machine's own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isOwnListener, isOwnPeer } from '../../../../shared/machine/socket-owner.ts';

const OWN = process.getuid?.() ?? 0;
const OTHER = OWN + 1;
const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

/** A row of the table: ends in its notation, state, owner. */
function row(local: string, remote: string, state: string, user: number): string {
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${user}        0 31 1 0 10 -1`;
}

const tableOf = (...rows: string[]) => [[HEAD, ...rows, ''].join('\n')];

/** 127.0.0.1:41234 to 127.0.0.1:50051, both ends. */
const CLIENT = (user: number) => row('0100007F:A112', '0100007F:C383', '01', user);
const SERVER_END = row('0100007F:C383', '0100007F:A112', '01', OWN);

describe('a peer on loopback', () => {
  it('is of this account when its own end is', () => {
    expect(isOwnPeer('127.0.0.1:41234', 50051, tableOf(SERVER_END, CLIENT(OWN)))).toBe(true);
    expect(isOwnPeer('::ffff:127.0.0.1:41234', 50051, tableOf(CLIENT(OWN)))).toBe(true);
    expect(isOwnPeer('127.0.0.1:41234', 50051, tableOf(CLIENT(0)))).toBe(true);
  });

  it.each([
    ['its end is of another account', '127.0.0.1:41234', tableOf(SERVER_END, CLIENT(OTHER))],
    ['only our end is known', '127.0.0.1:41234', tableOf(SERVER_END)],
    ['it has another port', '127.0.0.1:41235', tableOf(CLIENT(OWN))],
    ['it has another address', '127.0.0.2:41234', tableOf(CLIENT(OWN))],
    [
      'it is of another machine',
      '10.0.0.2:41234',
      tableOf(row('0200000A:A112', '0100000A:C383', '01', OWN)),
    ],
    ['the table cannot be read', '127.0.0.1:41234', []],
    ['the table is cut short', '127.0.0.1:41234', ['  sl\n   0: 0100007F:A112 0100007F:C3']],
  ])('is not when %s', (_, peer, tables) => {
    expect(isOwnPeer(peer, 50051, tables)).toBe(false);
  });

  it('is not by its connection to another port', () => {
    const elsewhere = row('0100007F:A112', '0100007F:0016', '01', OWN);
    expect(isOwnPeer('127.0.0.1:41234', 50051, tableOf(elsewhere, CLIENT(OTHER)))).toBe(false);
  });
});

describe('a listener on loopback', () => {
  const own = row('0100007F:C383', '00000000:0000', '0A', OWN);
  const other = row('00000000:C383', '00000000:0000', '0A', OTHER);

  it('is of this account when all that listen on the port are', () => {
    expect(isOwnListener('localhost:50051', tableOf(own))).toBe(true);
    expect(isOwnListener('127.0.0.1:50051', tableOf(own, other))).toBe(false);
    expect(isOwnListener('127.0.0.1:50051', tableOf(CLIENT(OWN), SERVER_END))).toBe(false);
    expect(isOwnListener('10.0.0.1:50051', tableOf(own))).toBe(false);
  });
});

it.skipIf(process.platform !== 'linux').each(['127.0.0.1', '::1'])(
  'the sockets of this process at %s are of this account',
  async (host) => {
    const server = createServer().listen(0, host);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, host);
    onTestFinished(() => void client.destroy());
    const [accepted] = await once(server, 'connection');
    const { remoteAddress, remotePort } = accepted;
    expect(isOwnPeer(`${remoteAddress}:${remotePort}`, port)).toBe(true);
    expect(isOwnPeer(`${remoteAddress}:${remotePort}`, port + 1)).toBe(false);
    expect(isOwnListener(host === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`)).toBe(true);
    expect(isOwnListener(`127.0.0.1:${remotePort}`)).toBe(false);
  },
);

it.skipIf(OWN !== 0)('a process of another account is not of this one', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const script = `require('node:net').connect(${port}, '127.0.0.1')`;
  const other = spawn(process.execPath, ['-e', script], { uid: 65_534, cwd: '/', stdio: 'ignore' });
  onTestFinished(() => void other.kill('SIGKILL'));
  const [accepted] = await once(server, 'connection');
  onTestFinished(() => void accepted.destroy());
  expect(isOwnPeer(`${accepted.remoteAddress}:${accepted.remotePort}`, port)).toBe(false);
});
