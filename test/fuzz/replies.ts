/** @file The doors of a worker: everything that a coordinator could send it. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { CoordinatorMessage__Output } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { DuplexReader } from '../../shared/exchange/grpc/calls.ts';
import { GrpcControlLine, type SessionCalls } from '../../shared/exchange/grpc/control-line.ts';
import { type BulkCalls, GrpcExchange } from '../../shared/exchange/grpc/exchange.ts';
import { WorkerLink } from '../../worker/exchange/link.ts';
import { sha256Of } from '../support/digest.ts';
import { allOf, JOIN, LIMITS, NODE, NotingPort } from '../support/loopback.ts';
import { door } from './door.ts';
import {
  EXECUTABLE,
  encodings,
  FetchExecutable,
  FetchFeatures,
  FetchSamples,
  PullParameters,
  PushExecutable,
  PushNode,
  parsed,
  refuseObeyed,
  Session,
  WIRE_REFUSALS,
} from './messages.ts';

const port = new NotingPort();
const welcome = port.join(JOIN, { send: () => {}, close: () => {} });
const place = { pid: 7, fd: 21, nonce: 'ab' };
const assignment = {
  kind: 'WORK_KIND_TRAIN' as const,
  ...{ sequence: 3, step: 1, version: 1, epoch: 0, batch: 0 },
  ranges: [{ first: 0, count: 4 }],
};
const coordinatorMessages = encodings('tessera.v1.CoordinatorMessage', [
  Session.responseSerialize({
    welcome: {
      ...welcome,
      classes: [...welcome.classes],
      lanes: [50_052, 50_053],
      memory: { pushes: place, parameters: place },
    },
  }),
  Session.responseSerialize({ assignment }),
  Session.responseSerialize({ finish: { errorCode: '', reason: '' } }),
  Session.responseSerialize({ alive: {} }),
]);

const data = Buffer.from(Float32Array.of(1, -2).buffer);
const piece = { crc32: crc32(data), data };
const sample = { index: 1, label: 2, name: 'a.png', raw: true, height: 2, width: 2, channels: 2 };
const REPLIES = {
  parameters: encodings('tessera.v1.Chunk', [
    PullParameters.responseSerialize({ offset: 0, totalBytes: 8, ...piece }),
    PullParameters.responseSerialize({ offset: 8, totalBytes: 16, ...piece }),
  ]),
  samples: encodings('tessera.v1.SampleChunk', [
    FetchSamples.responseSerialize({ ...sample, ...piece, last: true }),
    FetchSamples.responseSerialize({ ...sample, ...piece, last: false }),
  ]),
  features: encodings('tessera.v1.FeatureRows', [
    FetchFeatures.responseSerialize({ indices: [1], labels: [2], ...piece }),
    FetchFeatures.responseSerialize({ indices: [], labels: [], crc32: 0, data: Buffer.alloc(0) }),
  ]),
  outcome: encodings('tessera.v1.PushReply', [
    PushNode.responseSerialize({ outcome: 'PUSH_OUTCOME_ACCEPTED' }),
  ]),
  executable: encodings('tessera.v1.ExecutablePiece', [
    FetchExecutable.responseSerialize({ reply: { outcome: 'EXECUTABLE_OUTCOME_WAIT' } }),
    FetchExecutable.responseSerialize({
      reply: { outcome: 'EXECUTABLE_OUTCOME_KEPT', bytes: 8, sha256: sha256Of(data) },
    }),
    FetchExecutable.responseSerialize({ chunk: { offset: 0, totalBytes: 8, ...piece } }),
  ]),
  executablePushed: encodings('tessera.v1.ExecutableReply', [
    PushExecutable.responseSerialize({ outcome: 'EXECUTABLE_OUTCOME_KEPT' }),
    PushExecutable.responseSerialize({ outcome: 'EXECUTABLE_OUTCOME_REFUSED', reason: 'no room' }),
  ]),
} as const;

/** A link whose coordinator answers every call with `bytes`, and whose session hears them. */
function linkTo(bytes: readonly Buffer[]) {
  const each = async function* <T>(deserialize: (bytes: Buffer) => T) {
    for (const one of bytes) yield parsed(deserialize, one);
  };
  let reader: DuplexReader<CoordinatorMessage__Output> | undefined;
  const sessions: SessionCalls = {
    open(_firstReplyMs, listening) {
      reader = listening;
      return { send: () => {}, close: () => {} };
    },
    close: () => {},
  };
  const calls: BulkCalls = {
    pushNode: async () => parsed(PushNode.responseDeserialize, bytes[0] ?? Buffer.alloc(0)),
    pullParameters: () => each(PullParameters.responseDeserialize),
    fetchSamples: () => each(FetchSamples.responseDeserialize),
    fetchFeatures: () => each(FetchFeatures.responseDeserialize),
    fetchExecutable: () => each(FetchExecutable.responseDeserialize),
    pushExecutable: async () =>
      parsed(PushExecutable.responseDeserialize, bytes[0] ?? Buffer.alloc(0)),
    close: () => {},
  };
  const hear = () => {
    for (const one of bytes) reader?.onMessage(parsed(Session.responseDeserialize, one));
  };
  const { signal } = new AbortController();
  const exchange = new GrpcExchange(calls, { session: 's-1', limits: LIMITS, signal });
  return { link: new WorkerLink(new GrpcControlLine(sessions), () => exchange), exchange, hear };
}

const reply = fc.oneof(
  ...(Object.keys(REPLIES) as (keyof typeof REPLIES)[]).map((call) =>
    fc.tuple(fc.constant(call), fc.array(REPLIES[call], { maxLength: 3 })),
  ),
);

export const workerDoors = [
  door({
    name: 'coordinator messages',
    numInputs: 1000,
    inputs: fc.array(coordinatorMessages, { minLength: 1, maxLength: 3 }),
    enter(bytes) {
      const { link, hear } = linkTo(bytes);
      // Config and data set are JSON for this version's own reader, not texts for people.
      const heard = (message: object) => refuseObeyed({ ...message, configJson: '', dataJson: '' });
      link.openSession(JOIN, {
        ...{ onWelcome: heard, onAssignment: heard, onFinish: heard },
        ...{ onAlive: () => {}, onClosed: () => {} },
      });
      hear();
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.2, refused: 0.3 },
  }),
  door({
    name: 'replies',
    numInputs: 1500,
    inputs: reply,
    async enter([call, bytes]) {
      const { exchange } = linkTo(bytes);
      const payload = { gradient: undefined, features: [] };
      if (call === 'outcome') await exchange.pushNode(NODE, payload);
      if (call === 'executable') await exchange.fetchExecutable(EXECUTABLE);
      if (call === 'executablePushed') await exchange.pushExecutable(EXECUTABLE, data);
      if (call === 'samples') await allOf(exchange.fetchSamples('train', [1]));
      if (call === 'features') {
        await exchange.fetchFeatures('train', [1], { width: 2, numSamples: 5 });
      }
      if (call === 'parameters') {
        const wanted = { version: 3, first: 0, average: false };
        await exchange.pull(wanted, new Float32Array(2));
      }
    },
    refusals: WIRE_REFUSALS,
    least: { accepted: 0.12, refused: 0.3 },
  }),
];
