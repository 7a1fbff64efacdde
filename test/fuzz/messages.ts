/** @file The doors of the wire: bytes of every message, through the real deserialisers and what stands behind them. */

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { Probes } from '../../coordinator/service/probes.ts';
import { coordinatorCalls } from '../../coordinator/service/service.ts';
import { encodeNode } from '../../shared/contract/exchange-codec.ts';
import { encodeFeatures } from '../../shared/contract/feature-rows.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { type ErrorCode, TesseraError } from '../../shared/core/errors.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import { sha256Of } from '../support/digest.ts';
import { JOIN, LIMITS, NODE, NotingPort } from '../support/loopback.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { patched, wireBytes } from './protobuf.ts';

export const { Session } = services.Control.service;
export const { PushNode, PullParameters, FetchSamples, FetchFeatures } = services.Exchange.service;
export const { FetchExecutable, PushExecutable } = services.Exchange.service;
const { Probe } = services.Exchange.service;

/** What a listener may answer to nonsense. */
export const WIRE_REFUSALS: readonly ErrorCode[] = [
  ...(['MESSAGE_INVALID', 'CHUNK_CORRUPT', 'NON_FINITE', 'SESSION_UNKNOWN'] as const),
  ...(['STEP_STALE', 'DATA_INVALID', 'PROTOCOL_MISMATCH'] as const),
];

/** A message of bytes; what the deserialiser throws, gRPC answers. */
export function parsed<T>(deserialize: (bytes: Buffer) => T, bytes: Buffer): T {
  try {
    return deserialize(bytes);
  } catch (cause) {
    throw new TesseraError('MESSAGE_INVALID', 'gRPC refuses it', { cause });
  }
}

/** Encodings of a message: changed good ones, good ones with other fields, and any by its descriptor. */
export function encodings(message: string, good: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { weight: 3, arbitrary: mutated(good, { changesMax: 2, headBytes: 16 }) },
    { weight: 3, arbitrary: patched(message, good) },
    { weight: 1, arbitrary: wireBytes(message) },
  );
}

/** Nothing that goes on from the wire may hold what logs and terminals obey. */
export function refuseObeyed(heard: unknown): void {
  JSON.stringify(heard, (_key, value: unknown) => {
    if (typeof value !== 'string' || !/\p{Cc}/u.test(value)) return value;
    throw new Error(`a terminal obeys ${JSON.stringify(value)}`);
  });
}

/** Reads a stream to its end. */
async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

export const JOINING = Session.requestSerialize({ join: JOIN });
const LOG_LINE = { number: 2, leftOut: 1, ageMs: 9, level: 40, text: 'pull failed' };
export const workerMessages = encodings('tessera.v1.WorkerMessage', [
  JOINING,
  Session.requestSerialize({ ready: { modelFingerprint: 'f', engine: 'e' } }),
  Session.requestSerialize({
    ready: { modelFingerprint: 'f', slots: 8, devices: { kind: 'H200', count: 8, bytesInUse: 9 } },
  }),
  Session.requestSerialize({ heartbeat: { assignment: 3, leavesOpen: 2 } }),
  Session.requestSerialize({ heartbeat: { assignment: 3, log: [LOG_LINE, LOG_LINE] } }),
  Session.requestSerialize({ leave: { errorCode: '', reason: '' } }),
  Session.requestSerialize({ leave: { errorCode: 'INTERNAL', log: [LOG_LINE] } }),
]);

const [features] = encodeFeatures([{ index: 1, label: 0, values: Float32Array.of(1, 2, 3) }], 100);
const data = Buffer.alloc(8);
const chunk = { offset: 0, totalBytes: 8, crc32: crc32(data), data };
export const PUSH = [
  PushNode.requestSerialize({ node: encodeNode('s-1', NODE) }),
  PushNode.requestSerialize({ node: encodeNode('s-1', { ...NODE, kind: 'test' }) }),
  PushNode.requestSerialize({ features: features ?? null }),
  PushNode.requestSerialize({ chunk }),
];
const RANGE = { transfer: 1, first: 0, count: 2, total: 2 };
/** Of a vector of two values, on a lane. */
export const RANGE_PUSH = [
  PushNode.requestSerialize({
    node: encodeNode('s-1', NODE, RANGE),
  }),
  PushNode.requestSerialize({ chunk }),
];
export const rangeMessages = encodings('tessera.v1.NodeChunk', RANGE_PUSH);
export const pushMessages = encodings('tessera.v1.NodeChunk', PUSH);
export const RANGE_PULL = PullParameters.requestSerialize({
  ...{ session: 's-1', version: 3, range: RANGE },
});
const pull = { session: 's-1', version: 3, first: 1, average: false };
const fetch = { session: 's-1', split: 'SPLIT_TRAIN', indices: [1, 2, 7] } as const;

export const EXECUTABLE = { digest: '0'.repeat(63).concat('a'), title: 'training' };
const header = { session: 's-1', key: EXECUTABLE, bytes: 8, sha256: sha256Of(data) };
const EXECUTABLE_PUSH = [
  PushExecutable.requestSerialize({ header }),
  PushExecutable.requestSerialize({ header: { ...header, released: true } }),
  PushExecutable.requestSerialize({ chunk }),
];

const port = new NotingPort();
port.gradientLength = data.length / Float32Array.BYTES_PER_ELEMENT;

/** The calls of a coordinator whose gradients have two values, with one worker in a session. */
function coordinator() {
  // One for all inputs, as new: making its parameters takes longer than all else.
  port.handles.clear();
  port.calls.length = 0;
  port.files.clear();
  port.executables = port.keeper();
  port.nodes.length = 0;
  const calls = coordinatorCalls(port, LIMITS, systemClock);
  const session = calls.session({ peer: 'test', send: () => {}, end: () => {} });
  return { calls, session };
}

/** The same after the join. */
function joined() {
  const { calls, session } = coordinator();
  session.onMessage(Session.requestDeserialize(JOINING));
  session.onClosed('the session is not what is tested');
  return calls;
}

async function* messages<T>(deserialize: (bytes: Buffer) => T, all: readonly Buffer[]) {
  for (const bytes of all) yield parsed(deserialize, bytes);
}

/** A call with one request, and what may be asked. */
const request = fc.oneof(
  fc.tuple(
    fc.constant('fetchExecutable' as const),
    encodings('tessera.v1.ExecutableRequest', [
      FetchExecutable.requestSerialize({ session: 's-1', key: EXECUTABLE }),
    ]),
  ),
  fc.tuple(
    fc.constant('pullParameters' as const),
    encodings('tessera.v1.PullRequest', [PullParameters.requestSerialize(pull)]),
  ),
  fc.tuple(
    fc.constantFrom('fetchSamples' as const, 'fetchFeatures' as const),
    encodings('tessera.v1.FetchRequest', [
      FetchSamples.requestSerialize({ ...fetch, indices: [...fetch.indices] }),
      FetchSamples.requestSerialize({ ...fetch, indices: [0, 4] }),
    ]),
  ),
);

const PROBES = [
  Probe.requestSerialize({ data: Buffer.alloc(9), replyBytes: 0 }),
  Probe.requestSerialize({ replyBytes: 300_000 }),
];

export const coordinatorDoors = [
  door({
    name: 'probes',
    numInputs: 500,
    inputs: encodings('tessera.v1.ProbeRequest', PROBES),
    async enter(bytes) {
      // One for each input: their bytes a minute are bounded.
      const request = parsed(Probe.requestDeserialize, bytes);
      await drained(new Probes(systemClock).answer(request, {}));
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.2, refused: 0.1 },
  }),
  door({
    name: 'worker messages',
    numInputs: 1500,
    inputs: fc.tuple(
      fc.oneof({ weight: 3, arbitrary: fc.constant(JOINING) }, workerMessages),
      fc.array(workerMessages, { maxLength: 4 }),
    ),
    enter([first, rest]) {
      const { session } = coordinator();
      try {
        for (const bytes of [first, ...rest]) {
          session.onMessage(parsed(Session.requestDeserialize, bytes));
        }
        refuseObeyed(port.calls);
      } finally {
        session.onClosed('the input is over');
      }
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.12, refused: 0.3 },
  }),
  door({
    name: 'pushes',
    numInputs: 1500,
    inputs: fc.tuple(
      fc.constantFrom(...PUSH.slice(0, 2)),
      fc.array(fc.oneof(fc.constantFrom(...PUSH), pushMessages), { maxLength: 4 }),
    ),
    async enter([first, rest]) {
      await joined().pushNode(messages(PushNode.requestDeserialize, [first, ...rest]));
      refuseObeyed(port.nodes.map(({ node }) => node));
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.08, refused: 0.3 },
  }),
  door({
    name: 'pushed executables',
    numInputs: 1000,
    inputs: fc.tuple(
      fc.constantFrom(...EXECUTABLE_PUSH.slice(0, 2)),
      fc.array(
        fc.oneof(
          fc.constantFrom(...EXECUTABLE_PUSH.slice(2)),
          encodings('tessera.v1.ExecutableChunk', EXECUTABLE_PUSH),
        ),
        { maxLength: 3 },
      ),
    ),
    async enter([first, rest]) {
      const all = messages(PushExecutable.requestDeserialize, [first, ...rest]);
      await joined().pushExecutable(all);
      refuseObeyed([...port.files.keys()]);
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.08, refused: 0.3 },
  }),
  door({
    name: 'requests',
    numInputs: 1200,
    inputs: request,
    enter([call, bytes]) {
      const calls = joined();
      if (call === 'fetchExecutable') {
        return drained(calls[call](parsed(FetchExecutable.requestDeserialize, bytes)));
      }
      return call === 'pullParameters'
        ? drained(calls.pullParameters(parsed(PullParameters.requestDeserialize, bytes)))
        : drained(calls[call](parsed(FetchSamples.requestDeserialize, bytes)));
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.2, refused: 0.3 },
  }),
];
