/** @file The messages of a session and of a status as proto/ has them, and back; what comes in is checked here. */

import type { ErrorReport } from '../core/error-report.ts';
import { TesseraError } from '../core/errors.ts';
import type { WorkKind } from '../core/work.ts';
import type { Alive__Output } from './generated/tessera/v1/Alive.ts';
import type { Assignment__Output } from './generated/tessera/v1/Assignment.ts';
import type { CoordinatorMessage as WireMessage } from './generated/tessera/v1/CoordinatorMessage.ts';
import type { Devices__Output } from './generated/tessera/v1/Devices.ts';
import type { Finish__Output } from './generated/tessera/v1/Finish.ts';
import type { Heartbeat__Output } from './generated/tessera/v1/Heartbeat.ts';
import type { Join__Output } from './generated/tessera/v1/Join.ts';
import type { Leave__Output } from './generated/tessera/v1/Leave.ts';
import type { Ready__Output } from './generated/tessera/v1/Ready.ts';
import type { SharedMemory__Output } from './generated/tessera/v1/SharedMemory.ts';
import type { StatusReply } from './generated/tessera/v1/StatusReply.ts';
import type { Welcome__Output } from './generated/tessera/v1/Welcome.ts';
import { decodeLog, encodeLog } from './log-codec.ts';
import type {
  Assignment,
  CoordinatorMessage,
  Heartbeat,
  JoinRequest,
  Leave,
  Ready,
  SharedMemory,
  WelcomeInfo,
  WorkerDevices,
} from './messages.ts';
import type { RunStatus } from './status.ts';
import { inverse, toWireText, wireChoice, wireInteger, wirePresent, wireText } from './validate.ts';

const NAME_LENGTH_MAX = 200;
const PROCESSOR_LENGTH_MAX = 400;
const TEXT_LENGTH_MAX = 1000;
/** Lanes of one coordinator. */
const LANES_MAX = 64;
/** Devices of one worker. */
const SLOTS_MAX = 1024;

/** Kinds of work as proto/ names them. */
export const WIRE_KINDS = {
  train: 'WORK_KIND_TRAIN',
  validate: 'WORK_KIND_VALIDATE',
  test: 'WORK_KIND_TEST',
} as const satisfies Record<WorkKind, string>;

/** Our names of the kinds of work, by those of proto/. */
export const WORK_KINDS = inverse(WIRE_KINDS);

// ---- from a worker ----

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

/** What a worker says once it is ready, as a message. */
export function encodeReady({ devices, ...ready }: Ready) {
  return { ...ready, devices: encodeDevices(devices) };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeReady(ready: Ready__Output): Ready {
  const engine = wireText(ready.engine, 'ready.engine', NAME_LENGTH_MAX);
  return {
    modelFingerprint: decodeFingerprint(ready.modelFingerprint, 'ready'),
    engine,
    engineId: wireText(ready.engineId, 'ready.engine_id', NAME_LENGTH_MAX) || engine,
    processor: wireText(ready.processor, 'ready.processor', PROCESSOR_LENGTH_MAX),
    // 0 comes from a worker that does not know of slots.
    slots: wireInteger(ready.slots, 'ready.slots', { max: SLOTS_MAX }) || 1,
    devices: decodeDevices(ready.devices, 'ready.devices'),
  };
}

/** A heartbeat as a message. */
export function encodeHeartbeat({
  assignment,
  leavesOpen,
  error,
  devices,
  memoryBytes,
  log,
}: Heartbeat) {
  return {
    memoryBytes: memoryBytes ?? 0,
    devices: encodeDevices(devices),
    assignment,
    leavesOpen,
    errorCode: error.code,
    errorReason: toWireText(error.reason, TEXT_LENGTH_MAX),
    log: encodeLog(log),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeHeartbeat(heartbeat: Heartbeat__Output): Heartbeat {
  return {
    assignment: wireInteger(heartbeat.assignment, 'heartbeat.assignment'),
    leavesOpen: wireInteger(heartbeat.leavesOpen, 'heartbeat.leaves_open'),
    error: {
      code: wireText(heartbeat.errorCode, 'heartbeat.error_code', NAME_LENGTH_MAX),
      reason: wireText(heartbeat.errorReason, 'heartbeat.error_reason', TEXT_LENGTH_MAX),
    },
    devices: decodeDevices(heartbeat.devices, 'heartbeat.devices'),
    memoryBytes: wireInteger(heartbeat.memoryBytes, 'heartbeat.memory_bytes') || undefined,
    log: decodeLog(heartbeat.log),
  };
}

/** 0 bytes on the wire are unknown ones. */
function encodeDevices(devices: WorkerDevices | undefined) {
  if (devices === undefined) return null;
  const { kind, count, bytesInUse = 0, bytesPeak = 0 } = devices;
  return { kind: toWireText(kind, NAME_LENGTH_MAX), count, bytesInUse, bytesPeak };
}

function decodeDevices(devices: Devices__Output | null, where: string): WorkerDevices | undefined {
  if (devices === null) return undefined;
  return {
    kind: wireText(devices.kind, `${where}.kind`, NAME_LENGTH_MAX),
    count: wireInteger(devices.count, `${where}.count`, { max: SLOTS_MAX }),
    bytesInUse: wireInteger(devices.bytesInUse, `${where}.bytes_in_use`) || undefined,
    bytesPeak: wireInteger(devices.bytesPeak, `${where}.bytes_peak`) || undefined,
  };
}

/** A goodbye as a message; empty texts are a plain one. */
export function encodeLeave({ code, reason, hint, log }: Leave) {
  return {
    errorCode: code,
    reason: toWireText(reason, TEXT_LENGTH_MAX),
    hint: toWireText(hint, TEXT_LENGTH_MAX),
    log: encodeLog(log),
  };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeLeave(leave: Leave__Output): Leave {
  return {
    code: wireText(leave.errorCode, 'leave.error_code', NAME_LENGTH_MAX),
    reason: wireText(leave.reason, 'leave.reason', TEXT_LENGTH_MAX),
    hint: wireText(leave.hint, 'leave.hint', TEXT_LENGTH_MAX),
    log: decodeLog(leave.log),
  };
}

// ---- from the coordinator ----

/** A welcome as a message. */
export function encodeWelcome(welcome: WelcomeInfo): WireMessage {
  const { classes, memory = null, lanes = [] } = welcome;
  return { welcome: { ...welcome, classes: [...classes], memory, lanes: [...lanes] } };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeWelcome(welcome: Welcome__Output): WelcomeInfo {
  const text = (value: string, field: string) =>
    wireText(value, `welcome.${field}`, TEXT_LENGTH_MAX);
  return {
    ...welcome,
    worker: text(welcome.worker, 'worker'),
    run: text(welcome.run, 'run'),
    session: text(welcome.session, 'session'),
    modelFingerprint: text(welcome.modelFingerprint, 'model_fingerprint'),
    classes: welcome.classes.map((name) => text(name, 'classes')),
    heartbeatMs: wireInteger(welcome.heartbeatMs, 'welcome.heartbeat_ms', { min: 1 }),
    silenceMs: wireInteger(welcome.silenceMs, 'welcome.silence_ms', { min: 1 }),
    runId: text(welcome.runId, 'run_id'),
    memory: decodeMemory(welcome.memory),
    lanes: decodeLanes(welcome.lanes),
  };
}

function decodeLanes(lanes: readonly number[]): readonly number[] {
  wireInteger(lanes.length, 'length of welcome.lanes', { max: LANES_MAX });
  return lanes.map((port) => wireInteger(port, 'welcome.lanes', { min: 1, max: 65_535 }));
}

function decodeMemory(memory: SharedMemory__Output | null): SharedMemory | undefined {
  if (memory === null) return undefined;
  const place = (name: keyof SharedMemory) => {
    const { pid, fd, nonce } = wirePresent(memory[name], `welcome.memory.${name}`);
    return { pid, fd, nonce: wireText(nonce, `welcome.memory.${name}.nonce`, NAME_LENGTH_MAX) };
  };
  return { pushes: place('pushes'), parameters: place('parameters') };
}

/** What follows a welcome, as a message. */
export function encodeMessage(message: CoordinatorMessage): WireMessage {
  if (message.type === 'finish') {
    const { code, reason, hint } = message;
    return { finish: { errorCode: code, reason, hint } };
  }
  if (message.type === 'alive') return { alive: { log: message.log } };
  const { assignment } = message;
  return {
    assignment: {
      ...assignment,
      kind: WIRE_KINDS[assignment.kind],
      ranges: assignment.ranges.map(({ first, count }) => ({ first, count })),
    },
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

/** The number of the newest line of a log that has arrived. Throws  MESSAGE_INVALID. */
export function decodeAlive({ log }: Alive__Output): number {
  return wireInteger(log, 'alive.log');
}

/** Why the run is over. The run is over whatever the texts are, so they are made lines instead of refused. */
export function decodeFinish({ errorCode, reason, hint }: Finish__Output): ErrorReport {
  return {
    code: toWireText(errorCode, TEXT_LENGTH_MAX),
    reason: toWireText(reason, TEXT_LENGTH_MAX),
    hint: toWireText(hint, TEXT_LENGTH_MAX),
  };
}

// ---- operators ----

/** A reason for logs and people. Throws  MESSAGE_INVALID when it is not one line of text. */
export function decodeReason(reason: string): string {
  return wireText(reason, 'reason', TEXT_LENGTH_MAX);
}

/** The name of a watcher; '' for a single question. Throws  MESSAGE_INVALID. */
export function decodeWatcher(watcher: string): string {
  return wireText(watcher, 'watcher', NAME_LENGTH_MAX);
}

/** A status as a message. */
export function encodeStatus(status: RunStatus): StatusReply {
  const { workers, alarms } = status;
  return {
    ...status,
    workers: workers.map((worker) => ({ ...worker, held: [...worker.held] })),
    alarms: [...alarms],
  };
}

function decodeFingerprint(text: string, where: string): string {
  return wireText(text, `${where}.model_fingerprint`, NAME_LENGTH_MAX);
}
