/** @file A line that is longer or slower than loopback: a relay whose bytes arrive half a round trip after they came. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Bytes on their way in one direction: a real line holds no more either, and its sender waits. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;
/** Timers are not finer: what is due sooner is waited for by looking at the clock. */
const TIMER_MS = 1.5;

/** A direction of a line, and when it has sent what it was given. */
interface Direction {
  readonly delayMs: number;
  readonly bytesPerMs: number;
  freeMs: number;
}

/** Relays to `address`, HOST:PORT, all connections at so many bytes a second either way; returns its own. */
export async function startLink(
  address: string,
  roundTripMs: number,
  bytesPerSecond = Number.POSITIVE_INFINITY,
): Promise<string> {
  const [host, port] = address.split(':');
  const [there, back] = [roundTripMs, roundTripMs].map((ms) => ({
    ...{ delayMs: ms / 2, bytesPerMs: bytesPerSecond / 1000, freeMs: 0 },
  })) as [Direction, Direction];
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: host ?? '', port: Number(port), noDelay: true });
    delay(near, far, there);
    delay(far, near, back);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function delay(source: Socket, sink: Socket, line: Direction): void {
  const queue: { readonly dueMs: number; readonly bytes: Buffer }[] = [];
  let [underWay, isWaiting] = [0, false];
  const wait = () => {
    isWaiting = queue.length > 0;
    const restMs = (queue[0]?.dueMs ?? 0) - performance.now();
    if (!isWaiting) return;
    if (restMs > TIMER_MS) setTimeout(deliver, restMs - TIMER_MS);
    else setImmediate(deliver);
  };
  const deliver = () => {
    const nowMs = performance.now();
    const due = queue.findIndex(({ dueMs }) => dueMs > nowMs);
    sink.cork();
    for (const { bytes } of queue.splice(0, due < 0 ? queue.length : due)) {
      sink.write(bytes, () => {
        underWay -= bytes.length;
        if (underWay < UNDER_WAY_BYTES_MAX) source.resume();
      });
    }
    sink.uncork();
    wait();
  };
  source.on('data', (bytes: Buffer) => {
    underWay += bytes.length;
    if (underWay >= UNDER_WAY_BYTES_MAX) source.pause();
    line.freeMs = Math.max(line.freeMs, performance.now()) + bytes.length / line.bytesPerMs;
    queue.push({ dueMs: line.freeMs + line.delayMs, bytes });
    if (!isWaiting) wait();
  });
  source.on('error', () => {});
}
