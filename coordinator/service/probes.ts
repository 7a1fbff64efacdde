/** @file Probes of a coordinator (`tessera doctor HOST:PORT`): what is here, and bytes to measure the way with, bounded for all callers together. */
import { randomBytes } from 'node:crypto';
import type { ProbePiece } from '../../shared/contract/generated/tessera/v1/ProbePiece.ts';
import type { ProbeRequest__Output } from '../../shared/contract/generated/tessera/v1/ProbeRequest.ts';
import {
  PROBE_BYTES_MAX,
  PROBE_REPLY_BYTES_MAX,
  PROTOCOL_VERSION,
} from '../../shared/contract/messages.ts';
import { wireInteger } from '../../shared/contract/validate.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { CallContext } from '../../shared/exchange/grpc/handlers.ts';
import { VERSION } from '../../shared/machine/version.ts';

/** Probes under way at a time. */
const CALLS_MAX = 16;
/** Bytes of all probes in a minute, either way: about eight full measurements. */
const MINUTE_BYTES_MAX = 256 * 1024 * 1024;
const MINUTE_MS = 60_000;
const PIECE_BYTES = 256 * 1024;

/** The probes of all callers. They ask nothing of the run. */
export class Probes {
  readonly #clock: Pick<Clock, 'nowMs'>;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #calls = 0;
  #piece: Buffer | undefined;

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
  }

  /** Replies to a probe. Throws  MESSAGE_INVALID; RATE_LIMITED. */
  async *answer(
    { data, replyBytes }: ProbeRequest__Output,
    { role }: Pick<CallContext, 'role'>,
  ): AsyncGenerator<ProbePiece> {
    wireInteger(data.length, 'probe.data (bytes)', { max: PROBE_BYTES_MAX });
    wireInteger(replyBytes, 'probe.reply_bytes', { max: PROBE_REPLY_BYTES_MAX });
    this.#admit(data.length + replyBytes);
    this.#calls += 1;
    try {
      yield { protocolVersion: PROTOCOL_VERSION, tesseraVersion: VERSION, role: role ?? '' };
      // Random, so that a link that compresses shows what it does with gradients.
      this.#piece ??= randomBytes(PIECE_BYTES);
      for (let left = replyBytes; left > 0; left -= PIECE_BYTES) {
        yield { data: this.#piece.subarray(0, left) };
      }
    } finally {
      this.#calls -= 1;
    }
  }

  #admit(bytes: number): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs >= MINUTE_MS) {
      this.#sinceMs = nowMs;
      this.#bytes = 0;
    }
    if (this.#calls >= CALLS_MAX) throw tooMany(`${CALLS_MAX} probes are under way`);
    if (this.#bytes + bytes > MINUTE_BYTES_MAX) {
      throw tooMany(`probes have moved ${MINUTE_BYTES_MAX / 2 ** 20} MiB in this minute`);
    }
    this.#bytes += bytes;
  }
}

function tooMany(what: string): TesseraError {
  return new TesseraError('RATE_LIMITED', `${what}, as many as this coordinator takes`, {
    hint: 'run tessera doctor again in a minute',
  });
}
