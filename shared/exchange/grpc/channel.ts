/** @file How a client connects: every option of a channel in one place, each with its reason. */

import type { ChannelOptions } from '@grpc/grpc-js';
import type { ControlClient } from '../../contract/generated/tessera/v1/Control.ts';
import type { ExchangeClient } from '../../contract/generated/tessera/v1/Exchange.ts';
import { checkAddress, hostOf, isLoopback } from '../../core/address.ts';
import { TesseraError } from '../../core/errors.ts';
import { type ClientSecurity, channelCredentials, tlsOptions } from './credentials.ts';
import { services } from './protos.ts';

/**
 * Bytes that may be in flight before the receiver's window update, for each stream and each connection.
 *
 * HTTP/2 starts with 64 KiB, which caps a connection at 64 MB/s where a round trip takes 1 ms, and
 * costs half of the throughput even on loopback (measured: push 270 -> 490 MB/s).
 */
export const FLOW_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * The same for bulk between ends that know each other: 1.6 GB/s where a round trip takes 10 ms, since Node opens a window
 * again once half of it is used.
 */
export const BULK_WINDOW_BYTES = 32 * 1024 * 1024;

/** Frames that a peer with large ones may send. Node's own are of 16 KiB, whatever its peer takes (20 to 24). */
export const FRAME_BYTES_MAX = 1024 * 1024;

/** Either side probes a connection that has been silent for this long: a bulk call whose peer disappeared must end. */
export const KEEPALIVE_MS = 10_000;
export const KEEPALIVE_TIMEOUT_MS = 5_000;

/** What a connection may carry. */
export interface ConnectionLimits {
  /** Largest single message. */
  readonly messageBytes: number;
}

/** How a client connects. */
export interface ConnectionSettings {
  readonly limits: ConnectionLimits;
  /** Undefined for plaintext. */
  readonly security?: ClientSecurity | undefined;
  /** The user has typed that plaintext may leave this machine. */
  readonly insecure?: boolean | undefined;
}

function channelOptions(
  address: string,
  { limits: { messageBytes }, security }: ConnectionSettings,
): ChannelOptions {
  return {
    ...tlsOptions(security, hostOf(address)),
    // The default of 4 MiB holds for received messages only; both ways are bounded here.
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // The session core owns the pauses between attempts; the channel must not add minutes of its own.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc-node.flow_control_window': FLOW_WINDOW_BYTES,
    // Every client has a connection of its own, which ends with it: one that went silent is never taken up again.
    'grpc.use_local_subchannel_pool': 1,
    // Retries are the cores' decision; the library's would also keep copies of what was sent.
    'grpc.enable_retries': 0,
    // A proxy set for the web must not get between machines of one cluster, let alone on loopback.
    'grpc.enable_http_proxy': 0,
    // No DNS TXT look-ups for service configs, which do not exist.
    'grpc.service_config_disable_resolution': 1,
  };
}

/** A client of the small, latency-bound calls. */
export function connectControl(address: string, connection: ConnectionSettings): ControlClient {
  refusePlaintextAbroad(address, connection);
  return new services.Control(
    address,
    channelCredentials(connection.security, hostOf(address)),
    channelOptions(address, connection),
  );
}

/** A client of the bulk calls by gRPC's own library. Workers make them on `bulk`; this one is another implementation. */
export function connectExchange(address: string, connection: ConnectionSettings): ExchangeClient {
  refusePlaintextAbroad(address, connection);
  return new services.Exchange(
    address,
    channelCredentials(connection.security, hostOf(address)),
    channelOptions(address, connection),
  );
}

/** Prevents accidental plaintext beyond loopback. Throws  USAGE, ACCESS_DENIED. */
export function refusePlaintextAbroad(address: string, connection: ConnectionSettings): void {
  checkAddress(address);
  if (connection.security !== undefined || connection.insecure || isLoopback(address)) return;
  throw new TesseraError(
    'ACCESS_DENIED',
    `${address} is not on this machine, and there are no credentials for it`,
    {
      hint: 'give --certs FOLDER (tessera certs init makes them), or --insecure to go in plaintext',
    },
  );
}
