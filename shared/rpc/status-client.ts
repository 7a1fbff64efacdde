/** @file Asks a coordinator what its run is doing, from outside of the run. */
import { callUnary } from './calls.ts';
import { connectControl } from './channel.ts';
import type { StatusReply__Output } from './generated/tessera/v1/StatusReply.ts';

/** A run's status as it came over the wire. */
export type StatusReply = StatusReply__Output;

/** A status of a run with thousands of workers still fits. */
const STATUS_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The status of the run at `address`.
 *
 * Throws  COORDINATOR_UNREACHABLE when nobody is there; TIMEOUT; USAGE when the address is no HOST:PORT.
 */
export async function fetchStatus(
  address: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<StatusReply> {
  const control = connectControl(address, { messageBytes: STATUS_BYTES_MAX });
  const settings = { address, what: 'asking for the status', deadlineMs: timeoutMs, signal };
  try {
    return await callUnary<StatusReply>(settings, (options, callback) =>
      control.getStatus({}, options, callback),
    );
  } finally {
    control.close();
  }
}
