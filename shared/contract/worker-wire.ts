/** @file The worker's messages between the wire's form and its own; what comes in is checked here. */

import type { Assignment, LeafRange, WorkKind } from '../../worker/core/messages.ts';
import type { ToldError } from '../core/verdict.ts';
import type { Assignment__Output } from './generated/tessera/v1/Assignment.ts';
import type { Finish__Output } from './generated/tessera/v1/Finish.ts';
import type { Node } from './generated/tessera/v1/Node.ts';
import type { PushReply__Output } from './generated/tessera/v1/PushReply.ts';
import type { SampleChunk__Output } from './generated/tessera/v1/SampleChunk.ts';
import type { Welcome__Output } from './generated/tessera/v1/Welcome.ts';
import { toWireText, wireChoice, wireInteger, wireText } from './validate.ts';
import { WIRE_KINDS, WORK_KINDS } from './work-words.ts';

/** What the coordinator makes of a push. */
export type PushOutcome = 'accepted' | 'acceptedBefore' | 'stale';

/** Everything a worker needs to build the run's program. */
export interface WelcomeInfo {
  readonly worker: string;
  readonly run: string;
  /** Secret of this session; the bulk calls carry it. */
  readonly session: string;
  readonly configJson: string;
  readonly modelFingerprint: string;
  readonly classes: readonly string[];
  readonly trainSamples: number;
  readonly validationSamples: number;
  readonly testSamples: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  /** Which run this is, resumes included. */
  readonly runId: string;
  /** Which data set the run has, where workers read their own. */
  readonly dataJson: string;
}

/** A computed node, without its gradient. */
export interface NodeReport extends LeafRange {
  readonly kind: WorkKind;
  readonly step: number;
  readonly version: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly samples: number;
  /** Samples that could not be decoded and had weight 0. */
  readonly badSamples: readonly { readonly index: number; readonly reason: string }[];
  /** Where this worker's time went since its last push. */
  readonly timings: {
    readonly pullMs: number;
    readonly fetchMs: number;
    readonly computeMs: number;
    readonly pushMs: number;
    readonly idleMs: number;
  };
}

/** A worker's sign of life; the fields of the contract's Heartbeat. */
export interface Heartbeat {
  /** Sequence of the newest assignment that it has seen. */
  readonly assignment: number;
  readonly leavesOpen: number;
  /** The last error after which it tries again, while that is not over. */
  readonly error: ToldError;
}

const TEXT_LENGTH_MAX = 1000;
/** Unreadable samples that one node names, and how much of each reason: the message stays small. */
const BAD_SAMPLES_MAX = 4096;
const BAD_REASON_LENGTH_MAX = 200;

const OUTCOMES: Readonly<Record<string, PushOutcome>> = {
  PUSH_OUTCOME_ACCEPTED: 'accepted',
  PUSH_OUTCOME_ACCEPTED_BEFORE: 'acceptedBefore',
  PUSH_OUTCOME_STALE: 'stale',
};

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeWelcome(welcome: Welcome__Output): WelcomeInfo {
  return {
    ...welcome,
    worker: wireText(welcome.worker, 'welcome.worker', TEXT_LENGTH_MAX),
    run: wireText(welcome.run, 'welcome.run', TEXT_LENGTH_MAX),
    session: wireText(welcome.session, 'welcome.session', TEXT_LENGTH_MAX),
    modelFingerprint: wireText(
      welcome.modelFingerprint,
      'welcome.model_fingerprint',
      TEXT_LENGTH_MAX,
    ),
    classes: welcome.classes.map((name) => wireText(name, 'welcome.classes', TEXT_LENGTH_MAX)),
    heartbeatMs: wireInteger(welcome.heartbeatMs, 'welcome.heartbeat_ms', { min: 1 }),
    silenceMs: wireInteger(welcome.silenceMs, 'welcome.silence_ms', { min: 1 }),
    runId: wireText(welcome.runId, 'welcome.run_id', TEXT_LENGTH_MAX),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeAssignment(assignment: Assignment__Output): Assignment {
  return {
    sequence: wireInteger(assignment.sequence, 'assignment.sequence'),
    kind: wireChoice(assignment.kind, 'assignment.kind', WORK_KINDS),
    step: wireInteger(assignment.step, 'assignment.step'),
    version: wireInteger(assignment.version, 'assignment.version'),
    epoch: wireInteger(assignment.epoch, 'assignment.epoch'),
    batch: wireInteger(assignment.batch, 'assignment.batch'),
    ranges: assignment.ranges.map(({ first, count }) => ({
      first: wireInteger(first, 'assignment.ranges.first'),
      count: wireInteger(count, 'assignment.ranges.count', { min: 1 }),
    })),
  };
}

/** Why the run is over: whatever it says, it is over, so its texts are made lines instead of refused. */
export function decodeFinish({ errorCode, reason, hint }: Finish__Output): ToldError {
  return {
    code: toWireText(errorCode, TEXT_LENGTH_MAX),
    reason: toWireText(reason, TEXT_LENGTH_MAX),
    hint: toWireText(hint, TEXT_LENGTH_MAX),
  };
}

/** Throws  MESSAGE_INVALID when it is an outcome that this version does not know. */
export function decodeOutcome(reply: PushReply__Output): PushOutcome {
  return wireChoice(reply.outcome, 'push.outcome', OUTCOMES);
}

/** The wire's form of a computed node. */
export function encodeNode(session: string, node: NodeReport): Node {
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
  };
}

/** The wire's form of a goodbye; empty texts are a plain one. */
export function encodeLeave({ code, reason, hint }: ToldError) {
  return {
    errorCode: code,
    reason: toWireText(reason, TEXT_LENGTH_MAX),
    hint: toWireText(hint, TEXT_LENGTH_MAX),
  };
}

/** The wire's form of a sign of life. */
export function encodeHeartbeat({ assignment, leavesOpen, error }: Heartbeat) {
  return {
    assignment,
    leavesOpen,
    errorCode: error.code,
    errorReason: toWireText(error.reason, TEXT_LENGTH_MAX),
  };
}

/** What a sample's chunks say beside its bytes. Throws  MESSAGE_INVALID, naming the field. */
export function decodeSampleInfo(chunk: SampleChunk__Output) {
  const { height, width, channels } = chunk;
  return {
    index: chunk.index,
    label: wireInteger(chunk.label, 'sample.label'),
    name: wireText(chunk.name, 'sample.name', TEXT_LENGTH_MAX),
    raw: chunk.raw ? { height, width, channels } : undefined,
  };
}
