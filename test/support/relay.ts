/** @file A TCP relay whose standing connections can go silent: what a firewall that forgets them does. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** Relays to `address`, HOST:PORT. */
export async function startRelay(address: string) {
  const [host, port] = address.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    // A side that breaks off is what this is for.
    pipeline(near, far, near, () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Passes nothing more on over the connections that stand, and tells nobody. */
    swallow(): void {
      for (const socket of sockets) {
        socket.unpipe();
        socket.resume();
      }
    },
    close(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
