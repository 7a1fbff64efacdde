/** @file The coordinator's messages between the wire's form and its own; what comes in is checked here. */

import type { PushOutcome } from '../../coordinator/core/messages.ts';
import type {
  CoordinatorMessage,
  Heartbeat,
  JoinRequest,
  NodeHeader,
  RunStatus,
  WelcomeInfo,
} from '../../coordinator/service/run-port.ts';
import type { WorkerTimings } from '../../coordinator/step/timings.ts';
import { TesseraError } from '../core/errors.ts';
import type { ToldError } from '../core/verdict.ts';
import { splitOf } from '../core/work.ts';
import type { EncodedSample, Split } from '../data/source.ts';
import { cutPieces } from './chunks.ts';
import type { CoordinatorMessage as WireMessage } from './generated/tessera/v1/CoordinatorMessage.ts';
import type { FetchRequest__Output } from './generated/tessera/v1/FetchRequest.ts';
import type { Heartbeat__Output } from './generated/tessera/v1/Heartbeat.ts';
import type { Join__Output } from './generated/tessera/v1/Join.ts';
import type { Leave__Output } from './generated/tessera/v1/Leave.ts';
import type { Node__Output } from './generated/tessera/v1/Node.ts';
import type { PushReply } from './generated/tessera/v1/PushReply.ts';
import type { SampleChunk } from './generated/tessera/v1/SampleChunk.ts';
import type { StatusReply } from './generated/tessera/v1/StatusReply.ts';
import type { Timings__Output } from './generated/tessera/v1/Timings.ts';
import { wireAmount, wireChoice, wireInteger, wirePresent, wireText } from './validate.ts';
import { SPLITS, WIRE_KINDS, WORK_KINDS } from './work-words.ts';

const NAME_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 1000;
/** Unreadable samples that one node may name. */
const BAD_SAMPLES_MAX = 4096;
/** Samples that one request may ask for. */
const FETCH_SAMPLES_MAX = 1024;

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeJoin(join: Join__Output): JoinRequest {
  const instance = wireText(join.instance, 'join.instance', NAME_LENGTH_MAX);
  if (instance === '') throw new TesseraError('MESSAGE_INVALID', 'join.instance: it is empty');
  return {
    protocolVersion: wireInteger(join.protocolVersion, 'join.protocol_version'),
    name: wireText(join.name, 'join.name', NAME_LENGTH_MAX),
    instance,
    engine: wireText(join.engine, 'join.engine', NAME_LENGTH_MAX),
    host: wireText(join.host, 'join.host', NAME_LENGTH_MAX),
    pid: wireInteger(join.pid, 'join.pid'),
    modelFingerprint: decodeFingerprint(join.modelFingerprint, 'join'),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeReady(ready: { modelFingerprint: string; engine: string }) {
  return {
    modelFingerprint: decodeFingerprint(ready.modelFingerprint, 'ready'),
    engine: wireText(ready.engine, 'ready.engine', NAME_LENGTH_MAX),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeHeartbeat(heartbeat: Heartbeat__Output): Heartbeat {
  return {
    assignment: wireInteger(heartbeat.assignment, 'heartbeat.assignment'),
    leavesOpen: wireInteger(heartbeat.leavesOpen, 'heartbeat.leaves_open'),
    error: {
      code: wireText(heartbeat.errorCode, 'heartbeat.error_code', NAME_LENGTH_MAX),
      reason: wireText(heartbeat.errorReason, 'heartbeat.error_reason', REASON_LENGTH_MAX),
    },
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeLeave(leave: Leave__Output): ToldError {
  return {
    code: wireText(leave.errorCode, 'leave.error_code', NAME_LENGTH_MAX),
    reason: wireText(leave.reason, 'leave.reason', REASON_LENGTH_MAX),
    hint: wireText(leave.hint, 'leave.hint', REASON_LENGTH_MAX),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeNode(
  node: Node__Output,
  splitSizes: Readonly<Record<Split, number>>,
): NodeHeader {
  const kind = wireChoice(node.kind, 'node.kind', WORK_KINDS);
  if (!Number.isFinite(node.lossSum)) {
    throw new TesseraError('NON_FINITE', `node.loss_sum is ${node.lossSum}`, {
      hint: 'lower the learning rate, or set training.clipNorm',
    });
  }
  const samples = wireInteger(node.samples, 'node.samples');
  return {
    kind,
    step: wireInteger(node.step, 'node.step'),
    version: wireInteger(node.version, 'node.version'),
    first: wireInteger(node.first, 'node.first'),
    count: wireInteger(node.count, 'node.count', { min: 1 }),
    lossSum: node.lossSum,
    correct: wireInteger(node.correct, 'node.correct', { max: samples }),
    samples,
    badSamples: decodeBadSamples(node, splitSizes[splitOf(kind)]),
    timings: decodeTimings(wirePresent(node.timings, 'node.timings')),
  };
}

function decodeBadSamples(node: Node__Output, splitSize: number): NodeHeader['badSamples'] {
  const { badSamples, badReasons } = node;
  wireInteger(badSamples.length, 'length of node.bad_samples', { max: BAD_SAMPLES_MAX });
  const numBad = badSamples.length;
  wireInteger(badReasons.length, 'length of node.bad_reasons', { min: numBad, max: numBad });
  return badSamples.map((index, position) => ({
    index: wireInteger(index, 'node.bad_samples', { max: splitSize - 1 }),
    reason: wireText(badReasons[position] ?? '', 'node.bad_reasons', REASON_LENGTH_MAX),
  }));
}

function decodeTimings(timings: Timings__Output): WorkerTimings {
  return {
    pullMs: wireAmount(timings.pullMs, 'timings.pull_ms'),
    fetchMs: wireAmount(timings.fetchMs, 'timings.fetch_ms'),
    computeMs: wireAmount(timings.computeMs, 'timings.compute_ms'),
    pushMs: wireAmount(timings.pushMs, 'timings.push_ms'),
    idleMs: wireAmount(timings.idleMs, 'timings.idle_ms'),
  };
}

/** Which samples are asked for. Throws  MESSAGE_INVALID, naming the field. */
export function decodeFetch(
  request: FetchRequest__Output,
  splitSizes: Readonly<Record<Split, number>>,
): { readonly split: Split; readonly indices: readonly number[] } {
  const split = wireChoice(request.split, 'fetch.split', SPLITS);
  wireInteger(request.indices.length, 'length of fetch.indices', { max: FETCH_SAMPLES_MAX });
  const max = splitSizes[split] - 1;
  for (const index of request.indices) wireInteger(index, 'fetch.indices', { max });
  return { split, indices: request.indices };
}

/** Why somebody does something, for logs and people. Throws  MESSAGE_INVALID when it is no line of text. */
export function decodeReason(reason: string): string {
  return wireText(reason, 'reason', REASON_LENGTH_MAX);
}

/** Who watches; '' for one who asks once. Throws  MESSAGE_INVALID. */
export function decodeWatcher(watcher: string): string {
  return wireText(watcher, 'watcher', NAME_LENGTH_MAX);
}

/** A session's secret. Throws  MESSAGE_INVALID when it cannot be one. */
export function decodeSession(session: string): string {
  return wireText(session, 'session', NAME_LENGTH_MAX);
}

function decodeFingerprint(text: string, where: string): string {
  return wireText(text, `${where}.model_fingerprint`, NAME_LENGTH_MAX);
}

/** The wire's form of a welcome. */
export function encodeWelcome(welcome: WelcomeInfo): WireMessage {
  return { welcome: { ...welcome, classes: [...welcome.classes] } };
}

/** The wire's form of a message in a session. */
export function encodeMessage(message: CoordinatorMessage): WireMessage {
  if (message.type === 'finish') {
    const { code, reason, hint } = message;
    return { finish: { errorCode: code, reason, hint } };
  }
  if (message.type === 'alive') return { alive: {} };
  const { assignment } = message;
  return {
    assignment: {
      ...assignment,
      kind: WIRE_KINDS[assignment.kind],
      ranges: assignment.ranges.map(({ first, count }) => ({ first, count })),
    },
  };
}

const WIRE_OUTCOMES = {
  accepted: 'PUSH_OUTCOME_ACCEPTED',
  acceptedBefore: 'PUSH_OUTCOME_ACCEPTED_BEFORE',
  stale: 'PUSH_OUTCOME_STALE',
} as const;

/** The wire's form of a push's outcome. */
export function encodeOutcome(outcome: PushOutcome): PushReply {
  return { outcome: WIRE_OUTCOMES[outcome] };
}

/** The wire's form of a sample: at least one chunk, the last one marked. */
export function* encodeSample(sample: EncodedSample, chunkBytes: number): Generator<SampleChunk> {
  const { index, label, name, raw } = sample;
  const about = { index, label, name, raw: raw !== undefined, ...raw };
  for (const piece of cutPieces(sample.bytes, chunkBytes)) yield { ...about, ...piece };
}

/** The wire's form of a status. */
export function encodeStatus(status: RunStatus): StatusReply {
  return { ...status, workers: status.workers.map((worker) => ({ ...worker })) };
}
