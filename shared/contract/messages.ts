/** @file What coordinator and workers exchange: the one set of types for the messages of proto/, and for both sides. */
import type { ErrorReport } from '../core/error-report.ts';
import type { ValueType } from '../core/floats.ts';
import type { LeafRange, NodeTotals, WorkKind } from '../core/work.ts';
import type { LogMood } from './log-record.ts';

/** Version of the contract; both sides of a session must speak the same one. */
export const PROTOCOL_VERSION = 5;

/** Bytes that one probe may carry there, and ask for on the way back. */
export const PROBE_BYTES_MAX = 1024 * 1024;
export const PROBE_REPLY_BYTES_MAX = 16 * 1024 * 1024;

// ---- from a worker ----

/** First message of a session. */
export interface JoinRequest {
  readonly protocolVersion: number;
  /** A name for people; may be empty or taken. */
  readonly name: string;
  /** Random per process, the same over reconnects. */
  readonly instance: string;
  readonly engine: string;
  readonly host: string;
  readonly pid: number;
  /** Model that this worker has compiled already; empty on a first join. */
  readonly modelFingerprint: string;
}

/** A worker has built and compiled the model and can take work. */
export interface Ready {
  readonly modelFingerprint: string;
  /** For people: engine, device, threads. */
  readonly engine: string;
  /** The part of it that decides bits. */
  readonly engineId: string;
  /** Kind of the processor that the engine computes on; '' where that is another device. */
  readonly processor: string;
  /** Leaves that it computes at the same time. */
  readonly slots: number;
  readonly devices?: WorkerDevices | undefined;
}

/** The devices of a worker; undefined bytes are unknown. */
export interface WorkerDevices {
  readonly kind: string;
  readonly count: number;
  /** Of all devices together, now and at most so far. */
  readonly bytesInUse: number | undefined;
  readonly bytesPeak: number | undefined;
}

/** Sent every heartbeat interval. */
export interface Heartbeat {
  /** Sequence of the newest assignment that the worker has seen. */
  readonly assignment: number;
  readonly leavesOpen: number;
  /** The last error after which it tries again, while that is not over. */
  readonly error: Omit<ErrorReport, 'hint'>;
  readonly devices?: WorkerDevices | undefined;
  /** Resident memory of its process, where it is known. */
  readonly memoryBytes?: number | undefined;
  /** Lines of its log, the oldest that are not known to have arrived. */
  readonly log?: readonly LogLine[] | undefined;
}

/** A goodbye, because of an error or without one. */
export interface Leave extends ErrorReport {
  /** The newest lines of its log. */
  readonly log?: readonly LogLine[] | undefined;
}

/** A line of a worker's log. */
export interface LogLine {
  /** Counts the lines of a process from 1, those that are left out too. */
  readonly number: number;
  /** Lines directly before it that the worker has not kept. */
  readonly leftOut: number;
  /** How long ago it was written, as of the message. */
  readonly ageMs: number;
  readonly level: LogMood;
  readonly text: string;
}

/** What of a log one message carries at most. */
export const LOG_LIMITS = { lines: 16, lineChars: 1000, chars: 8000 } as const;

// ---- from the coordinator ----

/** The reply to a join: everything a worker needs to build the same program. */
export interface WelcomeInfo {
  readonly worker: string;
  readonly run: string;
  /** Secret of this session; its holder may push and pull for the worker. */
  readonly session: string;
  readonly configJson: string;
  readonly modelFingerprint: string;
  readonly classes: readonly string[];
  readonly trainSamples: number;
  /** 0 for a run without a validation split. */
  readonly validationSamples: number;
  readonly testSamples: number;
  readonly heartbeatMs: number;
  /** A worker that receives nothing for so long takes the connection for dead. */
  readonly silenceMs: number;
  /** Which run this is, resumes included. */
  readonly runId: string;
  /** Which data set the run has, for workers that read their own; '' where none does. */
  readonly dataJson: string;
  /** Memory for the bulk of this session, where both ends are processes of one account on one machine. */
  readonly memory?: SharedMemory | undefined;
  /** Ports of the coordinator's host that take ranges of large vectors. */
  readonly lanes?: readonly number[];
  /** Heartbeats may carry lines of the worker's log. */
  readonly takesLog?: boolean;
}

/** Where another process finds a file in memory. */
export interface MemoryPlace {
  readonly pid: number;
  readonly fd: number;
  /** What it begins with, in hex. */
  readonly nonce: string;
}

/** Memory of a session: the worker writes pushes, the coordinator parameters. */
export interface SharedMemory {
  readonly pushes: MemoryPlace;
  readonly parameters: MemoryPlace;
}

/** Identity of a round. `step` is the step being computed, or the newest version when an evaluation began. */
interface RoundId {
  readonly kind: WorkKind;
  readonly step: number;
}

/** The work that a worker holds now; each replaces the one before. */
export interface Assignment extends RoundId {
  /** Grows with every change, over the coordinator's life. */
  readonly sequence: number;
  /** Parameter version to compute with. */
  readonly version: number;
  /** Index of the epoch, from 0; in reports an epoch is counted from 1, for people. */
  readonly epoch: number;
  /** Position of the batch in its epoch, from 0. */
  readonly batch: number;
  readonly ranges: readonly LeafRange[];
}

/** What a coordinator sends in a session after its welcome. */
export type CoordinatorMessage =
  | { readonly type: 'assignment'; readonly assignment: Assignment }
  /** The reply to a heartbeat, with the number of the newest line of the worker's log that has arrived. */
  | { readonly type: 'alive'; readonly log: number }
  /** The run is over, with an error or well. */
  | ({ readonly type: 'finish' } & ErrorReport);

// ---- bulk ----

/** A finished node of the sum tree, without its vector. */
export interface ArrivedNode extends RoundId, LeafRange, NodeTotals {
  readonly version: number;
}

/** A sample that could not be decoded and had weight 0. */
export interface BadSample {
  readonly index: number;
  readonly reason: string;
}

/** Where a worker's time went since its last push. Units  milliseconds. */
export interface WorkerTimings {
  readonly pullMs: number;
  readonly fetchMs: number;
  readonly computeMs: number;
  readonly pushMs: number;
  readonly idleMs: number;
}

/** A node as its worker describes it. */
export interface NodeHeader extends ArrivedNode {
  readonly badSamples: readonly BadSample[];
  /** What the gradient's values are on the wire. */
  readonly gradientType: ValueType;
  readonly timings: WorkerTimings;
}

/** How a node was taken. `accepted` alone lets its vector join the sum. */
export type PushOutcome = 'accepted' | 'acceptedBefore' | 'stale';

/** Which parameters: those of a version, or the moving average up to it; rounded, where a type is given. */
export interface ParametersId {
  readonly version: number;
  readonly average?: boolean;
  readonly valueType?: ValueType;
}

/** Parameters of a version, from the value `first` on. */
export interface ParametersRange extends ParametersId {
  readonly first: number;
  /** How long the reply may wait for a version that is still to come; at most PULL_WAIT_MS_MAX. */
  readonly waitMs?: number;
}

/** A part of a vector that travels in several, each on a lane. Units  values. */
export interface VectorRange {
  /** The same for all parts, and for no other vector of the session. */
  readonly transfer: number;
  readonly first: number;
  readonly count: number;
  /** Of the whole vector. */
  readonly total: number;
}

/** Longest wait of a pull for its version. */
export const PULL_WAIT_MS_MAX = 60_000;

// ---- executables ----

/** Which compiled program. */
export interface ExecutableId {
  /** SHA-256, in hex, of all that decides its contents. */
  readonly digest: string;
  /** One line for people. */
  readonly title: string;
}

/** The contents of an executable, in two numbers. */
export interface ExecutableSum {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** The run does not keep an executable: each worker compiles for itself. */
export interface ExecutableRefused {
  readonly outcome: 'refused';
  readonly reason: string;
}

/** What comes of a request for an executable: it is kept, or the caller compiles it, or waits for another that does. */
export type ExecutableState =
  | ({ readonly outcome: 'kept' } & ExecutableSum)
  | { readonly outcome: 'compile' | 'wait' }
  | ExecutableRefused;

/** What comes of a pushed executable. `otherKept`: another one came first; the caller fetches it. */
export type ExecutablePushed =
  | { readonly outcome: 'kept' | 'otherKept' | 'released' }
  | ExecutableRefused;
