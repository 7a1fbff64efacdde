/** @file The messages of bulk calls as proto/ has them, and back; what comes in is checked here. */
import { TesseraError } from '../core/errors.ts';
import type { ValueType } from '../core/floats.ts';
import { type Split, splitOf } from '../core/work.ts';
import type { EncodedSample } from '../data/source.ts';
import { cutPieces } from './chunks.ts';
import { WIRE_KINDS, WORK_KINDS } from './control-codec.ts';
import type { FetchRequest__Output } from './generated/tessera/v1/FetchRequest.ts';
import type { Node, Node__Output } from './generated/tessera/v1/Node.ts';
import type { PullRequest, PullRequest__Output } from './generated/tessera/v1/PullRequest.ts';
import type { PushReply, PushReply__Output } from './generated/tessera/v1/PushReply.ts';
import type { SampleChunk } from './generated/tessera/v1/SampleChunk.ts';
import type { Timings__Output } from './generated/tessera/v1/Timings.ts';
import type { VectorRange__Output } from './generated/tessera/v1/VectorRange.ts';
import {
  type BadSample,
  type NodeHeader,
  type ParametersRange,
  PULL_WAIT_MS_MAX,
  type PushOutcome,
  type VectorRange,
  type WorkerTimings,
} from './messages.ts';
import type { ReceivedSample } from './received.ts';
import {
  inverse,
  toWireText,
  wireAmount,
  wireChoice,
  wireInteger,
  wirePresent,
  wireText,
} from './validate.ts';

const SESSION_LENGTH_MAX = 200;
const TEXT_LENGTH_MAX = 1000;
/** Unreadable samples that one node may name, and how much of each reason: the message stays small. */
const BAD_SAMPLES_MAX = 4096;
const BAD_REASON_LENGTH_MAX = 200;
/** Samples that one request may ask for. */
const FETCH_SAMPLES_MAX = 1024;

/** Splits as proto/ names them. */
export const WIRE_SPLITS = {
  train: 'SPLIT_TRAIN',
  validation: 'SPLIT_VALIDATION',
  test: 'SPLIT_TEST',
} as const satisfies Record<Split, string>;
const SPLITS = inverse(WIRE_SPLITS);

const WIRE_VALUE_TYPES = {
  f32: 'VALUE_TYPE_FLOAT32',
  bf16: 'VALUE_TYPE_BFLOAT16',
} as const satisfies Record<ValueType, string>;
const TYPES_OF_VALUES = inverse(WIRE_VALUE_TYPES);

const WIRE_OUTCOMES = {
  accepted: 'PUSH_OUTCOME_ACCEPTED',
  acceptedBefore: 'PUSH_OUTCOME_ACCEPTED_BEFORE',
  stale: 'PUSH_OUTCOME_STALE',
} as const satisfies Record<PushOutcome, string>;
const OUTCOMES = inverse(WIRE_OUTCOMES);

/** A session's secret. Throws  MESSAGE_INVALID when it cannot be one. */
export function decodeSession(session: string): string {
  return wireText(session, 'session', SESSION_LENGTH_MAX);
}

/** A computed node as a message, without its vector, or with the part of it that comes on a lane. */
export function encodeNode(session: string, node: NodeHeader, range?: VectorRange): Node {
  const badSamples = node.badSamples.slice(0, BAD_SAMPLES_MAX);
  return {
    session,
    kind: WIRE_KINDS[node.kind],
    step: node.step,
    version: node.version,
    first: node.first,
    count: node.count,
    lossSum: node.lossSum,
    correct: node.correct,
    samples: node.samples,
    badSamples: badSamples.map(({ index }) => index),
    badReasons: badSamples.map(({ reason }) => toWireText(reason, BAD_REASON_LENGTH_MAX)),
    timings: node.timings,
    gradientType: WIRE_VALUE_TYPES[node.gradientType],
    ...(range && { range }),
  };
}

/** Throws  MESSAGE_INVALID, naming the field; NON_FINITE. */
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
    gradientType: wireChoice(node.gradientType, 'node.gradient_type', TYPES_OF_VALUES),
  };
}

function decodeBadSamples(node: Node__Output, splitSize: number): BadSample[] {
  const { badSamples, badReasons } = node;
  wireInteger(badSamples.length, 'length of node.bad_samples', { max: BAD_SAMPLES_MAX });
  const numBad = badSamples.length;
  wireInteger(badReasons.length, 'length of node.bad_reasons', { min: numBad, max: numBad });
  return badSamples.map((index, position) => ({
    index: wireInteger(index, 'node.bad_samples', { max: splitSize - 1 }),
    reason: wireText(badReasons[position] ?? '', 'node.bad_reasons', TEXT_LENGTH_MAX),
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

/** The part of a vector that a call on a lane is for. Throws  MESSAGE_INVALID, naming the field. */
export function decodeRange(range: VectorRange__Output | null, where: string): VectorRange {
  const { transfer, first, count, total } = wirePresent(range, where);
  wireInteger(total, `${where}.total`, { min: 1 });
  wireInteger(first, `${where}.first`, { max: total - 1 });
  return {
    transfer: wireInteger(transfer, `${where}.transfer`),
    first,
    count: wireInteger(count, `${where}.count`, { min: 1, max: total - first }),
    total,
  };
}

/** A call on the coordinator's own port brings or fetches a whole vector. Throws  MESSAGE_INVALID. */
export function refuseRange(range: VectorRange__Output | null, where: string): void {
  if (range === null) return;
  throw new TesseraError('MESSAGE_INVALID', `${where}: ranges travel on lanes`);
}

/** The outcome of a push as a message. */
export function encodeOutcome(outcome: PushOutcome): PushReply {
  return { outcome: WIRE_OUTCOMES[outcome] };
}

/** Throws  MESSAGE_INVALID when it is an outcome that this version does not know. */
export function decodeOutcome(reply: PushReply__Output): PushOutcome {
  return wireChoice(reply.outcome, 'push.outcome', OUTCOMES);
}

/** Which parameters are asked for, as a message. */
export function encodePull(
  session: string,
  { version, first, average = false, valueType = 'f32', waitMs = 0 }: ParametersRange,
): PullRequest {
  return { session, version, first, average, valueType: WIRE_VALUE_TYPES[valueType], waitMs };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodePull(request: PullRequest__Output): Required<ParametersRange> {
  return {
    version: wireInteger(request.version, 'pull.version'),
    first: wireInteger(request.first, 'pull.first'),
    average: request.average,
    valueType: wireChoice(request.valueType, 'pull.value_type', TYPES_OF_VALUES),
    waitMs: wireInteger(request.waitMs, 'pull.wait_ms', { max: PULL_WAIT_MS_MAX }),
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

/** A sample as messages: at least one chunk, the last one marked. */
export function* encodeSample(sample: EncodedSample, chunkBytes: number): Generator<SampleChunk> {
  const { index, label, name, raw } = sample;
  const about = { index, label, name, raw: raw !== undefined, ...raw };
  for (const piece of cutPieces(sample.bytes, chunkBytes)) yield { ...about, ...piece };
}

/** What a sample's chunks say beside its bytes. Throws  MESSAGE_INVALID, naming the field. */
export function decodeSampleInfo(chunk: ReceivedSample) {
  const { height, width, channels } = chunk;
  return {
    index: chunk.index,
    label: wireInteger(chunk.label, 'sample.label'),
    name: wireText(chunk.name, 'sample.name', TEXT_LENGTH_MAX),
    raw: chunk.raw ? { height, width, channels } : undefined,
  };
}
