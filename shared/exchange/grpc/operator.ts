/** @file Asks a coordinator from outside of its run: what it is doing, or to stop. */

import type { ControlClient } from '../../contract/generated/tessera/v1/Control.ts';
import type { StatusReply__Output } from '../../contract/generated/tessera/v1/StatusReply.ts';
import type { StopReply__Output } from '../../contract/generated/tessera/v1/StopReply.ts';
import { callUnary } from './calls.ts';
import { type ConnectionSettings, connectControl } from './channel.ts';

export { clearerError } from '../probe/unclear.ts';
export { isNotListening } from './errors.ts';

/** How a stop was taken. */
export type StopReply = StopReply__Output;

/** A run's status as it came over the wire. */
export type StatusReply = StatusReply__Output;

/** A status of a run with thousands of workers still fits. */
const STATUS_BYTES_MAX = 4 * 1024 * 1024;

/** Where a question goes and how long it may take. */
export interface Question extends Omit<ConnectionSettings, 'limits'> {
  readonly address: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The status of the run at an address. A `watcher` asks again soon: a run that ends waits a moment for its next question.
 *
 * Throws  COORDINATOR_UNREACHABLE when no process listens; TIMEOUT; ACCESS_DENIED; USAGE when the address is not HOST:PORT.
 */
export function fetchStatus(question: Question, watcher = ''): Promise<StatusReply> {
  return asked(question, 'asking for the status', (control, options, callback) =>
    control.getStatus({ watcher }, options, callback),
  );
}

/** Ends a run early, what is trained being saved. Throws  as `fetchStatus` does. */
export function stopRun(question: Question, reason: string): Promise<StopReply> {
  return asked(question, 'stopping the run', (control, options, callback) =>
    control.stopRun({ reason }, options, callback),
  );
}

async function asked<Reply>(
  { address, timeoutMs, signal, ...connection }: Question,
  what: string,
  ask: (
    control: ControlClient,
    ...rest: Parameters<Parameters<typeof callUnary<Reply>>[1]>
  ) => ReturnType<Parameters<typeof callUnary<Reply>>[1]>,
): Promise<Reply> {
  const control = connectControl(address, {
    ...connection,
    limits: { messageBytes: STATUS_BYTES_MAX },
  });
  try {
    return await callUnary<Reply>({ address, what, deadlineMs: timeoutMs, signal }, (...rest) =>
      ask(control, ...rest),
    );
  } finally {
    control.close();
  }
}
