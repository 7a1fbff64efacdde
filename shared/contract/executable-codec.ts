/** @file The messages of compiled programs as proto/ has them, and back; what comes in is checked here. */
import { decodeSession } from './exchange-codec.ts';
import type {
  ExecutableHeader,
  ExecutableHeader__Output,
} from './generated/tessera/v1/ExecutableHeader.ts';
import type { ExecutableKey__Output } from './generated/tessera/v1/ExecutableKey.ts';
import type {
  ExecutableReply,
  ExecutableReply__Output,
} from './generated/tessera/v1/ExecutableReply.ts';
import type { ExecutableRequest__Output } from './generated/tessera/v1/ExecutableRequest.ts';
import type { ExecutableId, ExecutablePushed, ExecutableState, ExecutableSum } from './messages.ts';
import {
  toWireText,
  wireChoice,
  wireDigest,
  wireInteger,
  wirePresent,
  wireText,
} from './validate.ts';

const REASON_LENGTH_MAX = 1000;
const TITLE_LENGTH_MAX = 200;

const WIRE_OUTCOMES = {
  kept: 'EXECUTABLE_OUTCOME_KEPT',
  compile: 'EXECUTABLE_OUTCOME_COMPILE',
  wait: 'EXECUTABLE_OUTCOME_WAIT',
  otherKept: 'EXECUTABLE_OUTCOME_OTHER_KEPT',
  released: 'EXECUTABLE_OUTCOME_RELEASED',
  refused: 'EXECUTABLE_OUTCOME_REFUSED',
} as const satisfies Record<(ExecutableState | ExecutablePushed)['outcome'], string>;
const STATES = table('kept', 'compile', 'wait', 'refused');
const PUSHED = table('kept', 'otherKept', 'released', 'refused');

/** An executable of a worker that has compiled it, or that no longer does. */
export interface PushedExecutable extends ExecutableId {
  readonly session: string;
  /** Undefined from a worker that does not compile it after all. */
  readonly sum: ExecutableSum | undefined;
}

/** Which executable, as a message; a title too long for it is cut. */
export function encodeExecutableId({ digest, title }: ExecutableId): ExecutableId {
  return { digest, title: toWireText(title, TITLE_LENGTH_MAX) };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeExecutableRequest({
  session,
  key,
}: ExecutableRequest__Output): ExecutableId & { readonly session: string } {
  return { session: decodeSession(session), ...decodeId(key) };
}

/** The header of a push. */
export function encodeExecutableHeader(
  session: string,
  id: ExecutableId,
  sum?: ExecutableSum,
): ExecutableHeader {
  return { session, key: encodeExecutableId(id), ...sum, released: sum === undefined };
}

/** Throws  MESSAGE_INVALID, naming the field. */
export function decodeExecutableHeader(header: ExecutableHeader__Output): PushedExecutable {
  const { session, key, released } = header;
  const about = { session: decodeSession(session), ...decodeId(key) };
  return { ...about, sum: released ? undefined : decodeSum(header) };
}

/** What comes of a request or a push, as a message. */
export function encodeExecutableReply(state: ExecutableState | ExecutablePushed): ExecutableReply {
  const { outcome } = state;
  const reply = { outcome: WIRE_OUTCOMES[outcome] };
  if (outcome === 'refused')
    return { ...reply, reason: toWireText(state.reason, REASON_LENGTH_MAX) };
  return 'sha256' in state ? { ...reply, bytes: state.bytes, sha256: state.sha256 } : reply;
}

/** Throws  MESSAGE_INVALID, also for an outcome that is not one of a request. */
export function decodeExecutableState(reply: ExecutableReply__Output): ExecutableState {
  const outcome = wireChoice(reply.outcome, 'executable.outcome', STATES);
  if (outcome === 'kept') return { outcome, ...decodeSum(reply) };
  return outcome === 'refused' ? { outcome, reason: decodeReason(reply) } : { outcome };
}

/** Throws  MESSAGE_INVALID, also for an outcome that is not one of a push. */
export function decodeExecutablePushed(reply: ExecutableReply__Output): ExecutablePushed {
  const outcome = wireChoice(reply.outcome, 'executable.outcome', PUSHED);
  return outcome === 'refused' ? { outcome, reason: decodeReason(reply) } : { outcome };
}

/** Some outcomes by their names in proto/. */
function table<Outcome extends keyof typeof WIRE_OUTCOMES>(
  ...outcomes: readonly Outcome[]
): Readonly<Record<string, Outcome>> {
  return Object.fromEntries(outcomes.map((outcome) => [WIRE_OUTCOMES[outcome], outcome]));
}

function decodeId(wire: ExecutableKey__Output | null): ExecutableId {
  const { digest, title } = wirePresent(wire, 'executable.key');
  return {
    digest: wireDigest(digest, 'executable.digest'),
    title: wireText(title, 'executable.title', TITLE_LENGTH_MAX),
  };
}

function decodeSum({
  bytes,
  sha256,
}: {
  readonly bytes: number;
  readonly sha256: string;
}): ExecutableSum {
  return {
    bytes: wireInteger(bytes, 'executable.bytes', { min: 1 }),
    sha256: wireDigest(sha256, 'executable.sha256'),
  };
}

function decodeReason({ reason }: ExecutableReply__Output): string {
  return wireText(reason, 'executable.reason', REASON_LENGTH_MAX);
}
