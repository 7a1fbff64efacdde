/** @file A proxy before an object store that refuses, cuts, changes bytes and is slow, as it is told for each request. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { randomUnit } from '../../shared/core/random.ts';

/** What happens to one request. */
type Fault =
  | 'none'
  | 'unavailable'
  | 'cutRequest'
  | 'cutReply'
  | 'wrongRequest'
  | 'wrongReply'
  | 'slow';

/** Decides about request `number`, which begins with 0. */
export type FaultPlan = (number: number, request: IncomingMessage) => Fault;

const FAULTS: readonly Fault[] = [
  'unavailable',
  'cutRequest',
  'cutReply',
  'wrongRequest',
  'wrongReply',
  'slow',
];

/** Faults at random, for a share of the requests. */
export function randomFaults(seed: number, share: number): FaultPlan {
  return (number) => {
    if (randomUnit(seed, 'jitter', number, 0) >= share) return 'none';
    return FAULTS[Math.floor(randomUnit(seed, 'jitter', number, 1) * FAULTS.length)] ?? 'none';
  };
}

/** A proxy that listens. */
export interface FaultProxy {
  readonly url: string;
  /** How often each fault was made. */
  readonly counts: Record<Fault, number>;
  close(): Promise<void>;
}

/** Bytes a second of a slow connection. */
const SLOW_BYTES = 200_000;

/** Listens on a free port before the store at `target`. */
export async function serveFaults(target: string, plan: FaultPlan): Promise<FaultProxy> {
  const counts = {
    none: 0,
    unavailable: 0,
    cutRequest: 0,
    cutReply: 0,
    wrongRequest: 0,
    wrongReply: 0,
    slow: 0,
  };
  let number = 0;
  const server = createServer((request, response) => {
    const fault = plan(number++, request);
    counts[fault] += 1;
    if (fault === 'unavailable') {
      request.resume();
      request.on('end', () => response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>'));
    } else forward(target, request, response, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts, close };
}

function forward(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault,
): void {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = request;
  const give = () => {
    request.destroy();
    response.destroy();
  };
  const onward = httpRequest({ hostname, port, method, path, headers, agent: false }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    const change = fault === 'cutReply' ? cut(give) : fault === 'wrongReply' ? wrong() : undefined;
    const through = change ?? (fault === 'slow' ? slow() : undefined);
    reply.on('error', give);
    (through === undefined ? reply : reply.pipe(through)).pipe(response);
    // A reply without a body is cut by its head alone.
    if (fault === 'cutReply') reply.on('end', give);
  });
  onward.on('error', give);
  const change =
    fault === 'cutRequest' ? cut(give) : fault === 'wrongRequest' ? wrong() : undefined;
  const through = change ?? (fault === 'slow' ? slow() : undefined);
  (through === undefined ? request : request.pipe(through)).pipe(onward);
  request.on('close', () => {
    if (!request.complete) onward.destroy();
  });
  if (fault === 'cutRequest') request.on('end', give);
}

/** Half of the first piece, then the end of the connection. */
function cut(give: () => void): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      this.push(piece.subarray(0, piece.length >> 1));
      done();
      setImmediate(give);
    },
  });
}

/** One bit of the first piece is another. */
function wrong(): Transform {
  let isDone = false;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const copy = Buffer.from(piece);
      if (!isDone && copy.length > 0) copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
      isDone = true;
      done(null, copy);
    },
  });
}

function slow(): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      setTimeout(() => done(null, piece), (piece.length / SLOW_BYTES) * 1000);
    },
  });
}
