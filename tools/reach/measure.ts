/** @file What lies between here and a coordinator, measured by its probes: who is there, a round trip, and bytes a second each way. */
import type { ProbePiece__Output } from '../../shared/contract/generated/tessera/v1/ProbePiece.ts';
import { PROBE_REPLY_BYTES_MAX } from '../../shared/contract/messages.ts';
import { wirePresent, wireText } from '../../shared/contract/validate.ts';
import { mapAtMost } from '../../shared/core/concurrency.ts';
import { probeCalls } from '../../shared/exchange/grpc/bulk/client.ts';
import type { ConnectionSettings } from '../../shared/exchange/grpc/channel.ts';

/** A way that was measured. Units  bytes a second. */
export interface Bandwidth {
  readonly there: number;
  readonly back: number;
}

/** Who replies. */
export type Other = Pick<ProbePiece__Output, 'protocolVersion' | 'tesseraVersion' | 'role'>;

/** Longest time of one call: a slow link gets small ones. */
const CALL_MS = 20_000;
/** Small probes whose median is the round trip. */
const ROUND_TRIPS = 15;
/** Bytes of a transfer, each four times the one before it, until one takes long enough to be measured. */
const SIZES = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024, PROBE_REPLY_BYTES_MAX];
const LONG_ENOUGH_MS = 300;
/** Bytes of one call on the way there, below the message limit of any config, and calls at a time. */
const PIECE_BYTES = 256 * 1024;
const CALLS = 4;
const MESSAGE_BYTES = 4 * 1024 * 1024;
const TEXT_MAX = 100;

/** Probes of one coordinator, over one connection. */
export class Way {
  readonly #calls: ReturnType<typeof probeCalls>;

  /** Throws  USAGE, ACCESS_DENIED. */
  constructor(address: string, connection: Omit<ConnectionSettings, 'limits'>) {
    this.#calls = probeCalls(address, { ...connection, limits: { messageBytes: MESSAGE_BYTES } });
  }

  /** Who is there. Throws  what it refuses with, or the transport. */
  async other(): Promise<Other> {
    const [reply] = await this.#probe({});
    const { protocolVersion, tesseraVersion, role } = wirePresent(reply, 'reply to a probe');
    return {
      protocolVersion,
      tesseraVersion: wireText(tesseraVersion, 'probe.tessera_version', TEXT_MAX),
      role: wireText(role, 'probe.role', TEXT_MAX),
    };
  }

  /** The median of a few round trips. Units  seconds. Throws  as `other`. */
  async roundTrip(): Promise<number> {
    const times: number[] = [];
    for (let index = 0; index < ROUND_TRIPS; index += 1) {
      times.push((await timed(() => this.#probe({}))) / 1000);
    }
    return times.sort((one, other) => one - other)[Math.floor(ROUND_TRIPS / 2)] as number;
  }

  /** Bytes a second, there and then back. Throws  RATE_LIMITED; as `other`. */
  async bandwidth(): Promise<Bandwidth> {
    const data = Buffer.alloc(PIECE_BYTES, 'tessera');
    const there = await rateOf(async (bytes) => {
      const pieces = Array.from({ length: Math.ceil(bytes / PIECE_BYTES) }, (_, index) =>
        data.subarray(0, bytes - index * PIECE_BYTES),
      );
      await mapAtMost(CALLS, pieces, (piece) => this.#probe({ data: piece }));
    });
    const back = await rateOf((replyBytes) => this.#probe({ replyBytes }));
    return { there, back };
  }

  close(): void {
    this.#calls.close();
  }

  async #probe(request: { readonly data?: Buffer; readonly replyBytes?: number }) {
    const pieces: ProbePiece__Output[] = [];
    const call = { what: 'a probe', deadlineMs: CALL_MS };
    for await (const piece of this.#calls.probe(call, request)) {
      if (pieces.length === 0) pieces.push(piece);
    }
    return pieces;
  }
}

/** The rate of the first transfer that takes long enough, or of the largest. */
async function rateOf(transfer: (bytes: number) => Promise<unknown>): Promise<number> {
  let rate = 0;
  for (const bytes of SIZES) {
    let ms = await timed(() => transfer(bytes));
    // It may have been a busy machine that took so long, and not the way.
    if (ms >= LONG_ENOUGH_MS && bytes < PROBE_REPLY_BYTES_MAX) {
      ms = Math.min(ms, await timed(() => transfer(bytes)));
    }
    rate = (1000 * bytes) / ms;
    if (ms >= LONG_ENOUGH_MS) break;
  }
  return rate;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const sinceMs = performance.now();
  await act();
  return performance.now() - sinceMs;
}
