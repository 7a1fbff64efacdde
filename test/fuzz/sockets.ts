/** @file The doors of a listening coordinator: raw bytes on its port, and raw gRPC calls. A healthy call works after each. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { NotingHost } from '../support/exchange-conformance.ts';
import { lanesOf } from '../support/lanes.ts';
import { LIMITS, NotingPort, startLoopback } from '../support/loopback.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';
import { EMPTY_SESSION, floods, frames, HTTP1 } from './http2.ts';
import {
  JOINING,
  PUSH,
  pushMessages,
  RANGE_PULL,
  RANGE_PUSH,
  rangeMessages,
  workerMessages,
} from './messages.ts';

// Node stops reading a connection that sent a bad frame, so its end is noticed by the keepalive alone, after 15 s.
const limits = { ...LIMITS, connectionsMax: 100_000, joinsPerMinute: 1_000_000 };
const { server, link } = await startLoopback(new NotingPort(), limits);
link.close();

// A lane beside it, for vectors of two values.
const laneHost = new NotingHost();
laneHost.gradientLength = 2;
laneHost.vector = Float32Array.of(1, 2);
const laneLimits = { ...limits, rpcMs: 10_000 };
const { lanes } = await lanesOf(laneHost, { count: 1, limits: laneLimits });
const lanePort = lanes.ports[0] as number;

type Place = 'port' | 'lane';
const ADDRESSES: Readonly<Record<Place, string>> = {
  port: server.address,
  lane: `127.0.0.1:${lanePort}`,
};

/** Connections for calls that are well and for those that may break them, which are made anew then. */
const lines = new Map<string, ClientHttp2Session>();

afterAll(async () => {
  for (const line of lines.values()) line.destroy();
  await lanes.stop(0);
  await server.stop(0);
});

function lineOf(kind: 'well' | 'bad', place: Place = 'port'): ClientHttp2Session {
  const open = lines.get(kind + place);
  if (open !== undefined && !open.closed && !open.destroyed) return open;
  const line = connect(`http://${ADDRESSES[place]}`).on('error', () => {});
  lines.set(kind + place, line);
  return line;
}

/** The headers and trailers with which a call is answered, whatever the body. */
async function rawCall(line: ClientHttp2Session, method: string, body: Buffer, patience = '20S') {
  const about: Record<string, unknown> = {};
  const stream = line.request({
    ':method': 'POST',
    ':path': `/${method}`,
    'content-type': 'application/grpc',
    'grpc-timeout': patience,
    te: 'trailers',
  });
  const learn = (headers: object) => void Object.assign(about, headers);
  stream.on('response', learn).on('trailers', learn);
  stream.on('error', () => {}).resume();
  stream.end(body);
  await new Promise((resolve) => stream.once('close', resolve));
  return about;
}

const HEALTHY: Readonly<Record<Place, string>> = {
  port: 'tessera.v1.Control/GetStatus',
  lane: 'grpc.health.v1.Health/Check',
};

async function healthyCall(place: Place = 'port'): Promise<void> {
  const about = await rawCall(lineOf('well', place), HEALTHY[place], framed(Buffer.alloc(0)));
  if (about['grpc-status'] !== '0') throw new Error(`a healthy call failed: ${inspect(about)}`);
}

const raw = fc.oneof(
  { weight: 1, arbitrary: noise },
  { weight: 3, arbitrary: mutated([...HTTP1, EMPTY_SESSION], { changesMax: 2 }) },
  { weight: 4, arbitrary: frames },
);

/** A gRPC message with its frame: a flag for compression and the length, which may lie. */
const framed = (bytes: Buffer, flag = 0, length = bytes.length) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
};
const lies = fc.oneof(
  { weight: 20, arbitrary: fc.constant([0] as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom([1] as const, [255] as const, [0, 2 ** 32 - 1] as const),
  },
);
/** A call's bytes and how long it may take: one whose length lies waits for the rest. */
const body = (message: fc.Arbitrary<Buffer>) =>
  fc.array(fc.tuple(message, lies), { minLength: 1, maxLength: 3 }).map((messages) => ({
    bytes: Buffer.concat(messages.map(([it, [flag, length]]) => framed(it, flag, length))),
    patience: messages.some(([, lie]) => lie.length > 1) ? '100m' : '20S',
  }));
const call = fc.oneof(
  fc.tuple(
    fc.constant('tessera.v1.Control/Session'),
    body(fc.oneof({ weight: 3, arbitrary: fc.constant(JOINING) }, workerMessages)),
  ),
  fc.tuple(
    fc.constant('tessera.v1.Exchange/PushNode'),
    body(fc.oneof(fc.constantFrom(...PUSH), pushMessages)),
  ),
  fc.tuple(
    fc.constantFrom(
      'tessera.v1.Control/GetStatus',
      'tessera.v1.Exchange/PullParameters',
      'tessera.v1.Exchange/FetchSamples',
      'No/Call',
    ),
    body(fc.oneof({ weight: 3, arbitrary: fc.constant(Buffer.alloc(0)) }, noise)),
  ),
);

/** Calls of a lane. One that brings half of a vector waits for the rest. */
const laneCall = fc.oneof(
  fc.tuple(
    fc.constant('tessera.v1.Exchange/PushNode'),
    fc.oneof(
      fc.constant(Buffer.concat(RANGE_PUSH.map((it) => framed(it)))),
      body(fc.oneof(fc.constantFrom(...RANGE_PUSH), rangeMessages)).map(({ bytes }) => bytes),
    ),
  ),
  fc.tuple(
    fc.constantFrom('tessera.v1.Exchange/PullParameters', 'tessera.v1.Exchange/FetchSamples'),
    fc.oneof(
      fc.constant(framed(RANGE_PULL)),
      body(mutated([RANGE_PULL], { changesMax: 2 })).map(({ bytes }) => bytes),
    ),
  ),
);

/** Sends bytes on a connection of their own; a healthy call works while they are there. */
async function besideHealthyCall(bytes: Buffer, place: Place = 'port'): Promise<void> {
  const socket = connectTcp(place === 'port' ? server.port : lanePort, '127.0.0.1');
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  socket.write(bytes);
  await healthyCall(place);
  // The server looks at first bytes in a turn of its own, and its answer comes back behind that of the first call.
  await healthyCall(place);
  const isCutOff = socket.readableEnded || socket.destroyed;
  socket.destroy();
  if (isCutOff) throw new TesseraError('MESSAGE_INVALID', 'the server ended the connection');
}

export const socketDoors = [
  door({
    name: 'bytes on the port',
    numInputs: 100,
    inputs: raw,
    enter: (bytes) => besideHealthyCall(bytes),
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
  door({
    name: 'bytes on a lane',
    numInputs: 40,
    inputs: fc.oneof(raw, floods),
    enter: (bytes) => besideHealthyCall(bytes, 'lane'),
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.1, refused: 0.1 },
  }),
  door({
    name: 'gRPC calls on a lane',
    numInputs: 60,
    inputs: laneCall,
    async enter([method, bytes]) {
      const about = await rawCall(lineOf('bad', 'lane'), method, bytes, '200m');
      await healthyCall('lane');
      if (about['error-code'] === 'INTERNAL') throw new Error(`${about['grpc-message']}`);
      if (about['grpc-status'] !== '0') throw new TesseraError('MESSAGE_INVALID', 'it was refused');
      laneHost.nodes.length = 0;
    },
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
  door({
    name: 'HTTP/2 floods',
    numInputs: 40,
    inputs: floods,
    enter: (bytes) => besideHealthyCall(bytes),
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
  door({
    name: 'gRPC calls',
    numInputs: 100,
    inputs: call,
    async enter([method, { bytes, patience }]) {
      const about = await rawCall(lineOf('bad'), method, bytes, patience);
      await healthyCall();
      if (about['error-code'] === 'INTERNAL') throw new Error(`${about['grpc-message']}`);
      if (about['grpc-status'] !== '0') throw new TesseraError('MESSAGE_INVALID', 'it was refused');
    },
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.05, refused: 0.3 },
  }),
];
