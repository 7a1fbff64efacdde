/** @file Compiled programs over gRPC: both ends of their calls, in chunks with checksums and the SHA-256 of the whole. */
import { createHash } from 'node:crypto';
import { ByteAssembler, cutChunks, piecesOf } from '../../contract/chunks.ts';
import {
  decodeExecutableHeader,
  decodeExecutableRequest,
  decodeExecutableState,
  encodeExecutableHeader,
  encodeExecutableReply,
} from '../../contract/executable-codec.ts';
import type { ExecutableChunk } from '../../contract/generated/tessera/v1/ExecutableChunk.ts';
import type { ExecutableHeader__Output } from '../../contract/generated/tessera/v1/ExecutableHeader.ts';
import type { ExecutablePiece } from '../../contract/generated/tessera/v1/ExecutablePiece.ts';
import type { ExecutableReply } from '../../contract/generated/tessera/v1/ExecutableReply.ts';
import type { ExecutableRequest__Output } from '../../contract/generated/tessera/v1/ExecutableRequest.ts';
import type { ExecutableId, ExecutablePushed, ExecutableSum } from '../../contract/messages.ts';
import type {
  ReceivedChunk,
  ReceivedExecutableChunk,
  ReceivedExecutablePiece,
} from '../../contract/received.ts';
import { wirePresent } from '../../contract/validate.ts';
import { TesseraError } from '../../core/errors.ts';
import type { ExchangeHost, FetchedExecutable, IncomingExecutable } from '../exchange.ts';

// ---- the worker's end ----

/** The messages of a push; without `bytes` it reports that they do not come. */
export function* executableChunks(
  session: string,
  id: ExecutableId,
  bytes: Uint8Array | undefined,
  chunkBytes: number,
): Generator<ExecutableChunk> {
  const sum = bytes && { bytes: bytes.byteLength, sha256: sha256Of(bytes) };
  yield { header: encodeExecutableHeader(session, id, sum) };
  if (bytes === undefined) return;
  for (const chunk of cutChunks(bytes, chunkBytes)) yield { chunk };
}

/**
 * Puts the pieces of a reply together.
 *
 * Throws  MESSAGE_INVALID; CHUNK_CORRUPT when it is not what its SHA-256 says, or has more than `bytesMax`.
 */
export async function receiveExecutable(
  pieces: AsyncIterable<ReceivedExecutablePiece>,
  { title }: ExecutableId,
  bytesMax: number,
): Promise<FetchedExecutable> {
  let whole: Whole | undefined;
  for await (const { reply, chunk } of pieces) {
    if (whole === undefined) {
      const state = decodeExecutableState(wirePresent(reply, 'first piece of an executable'));
      if (state.outcome !== 'kept') return state;
      if (state.bytes > bytesMax) {
        throw corrupt(
          title,
          `${state.bytes} bytes, more than limits.executableBytes (${bytesMax})`,
        );
      }
      whole = new Whole(title, state, new Uint8Array(state.bytes));
    }
    if (chunk !== null) whole.add(chunk);
  }
  const { bytes } = wirePresent(whole, 'first piece of an executable').finish();
  return { outcome: 'kept', bytes };
}

// ---- the coordinator's end ----

/** The calls of executables as plain functions over messages. */
export function executableHandlers(host: ExchangeHost, chunkBytes: number) {
  return {
    async *fetchExecutable(request: ExecutableRequest__Output): AsyncGenerator<ExecutablePiece> {
      const { session, ...id } = decodeExecutableRequest(request);
      const found = await host.findExecutable(host.workerOf(session), id);
      if (found.outcome !== 'kept') return yield { reply: encodeExecutableReply(found) };
      try {
        yield { reply: encodeExecutableReply(found) };
        for (const chunk of cutChunks(found.contents, chunkBytes)) yield { chunk };
      } finally {
        found.end();
      }
    },

    async pushExecutable(
      messages: AsyncIterable<ReceivedExecutableChunk>,
    ): Promise<ExecutableReply> {
      let push: Push | undefined;
      try {
        for await (const { header, chunk } of messages) {
          if (push !== undefined) push.whole.addNext(header, chunk);
          else {
            const begun = await beginPush(host, header);
            if ('outcome' in begun) return encodeExecutableReply(begun);
            push = begun;
          }
        }
        const { incoming, whole } = wirePresent(push, 'first message of an executable');
        whole.finish();
        return encodeExecutableReply(await incoming.finish());
      } finally {
        push?.incoming.end();
      }
    },
  };
}

/** An executable on its way in. */
interface Push {
  readonly incoming: IncomingExecutable;
  readonly whole: Whole;
}

/** What becomes of a push by its header. */
async function beginPush(
  host: ExchangeHost,
  wire: ExecutableHeader__Output | null,
): Promise<Push | ExecutablePushed> {
  const header = decodeExecutableHeader(wirePresent(wire, 'first message of an executable'));
  const { session, sum, digest, title } = header;
  const worker = host.workerOf(session);
  if (sum === undefined) {
    host.releaseExecutable(worker, { digest, title });
    return { outcome: 'released' };
  }
  const incoming = await host.beginExecutable(worker, { digest, title }, sum);
  if ('outcome' in incoming) return incoming;
  return { incoming, whole: new Whole(title, sum, incoming.bytes) };
}

/** An executable while its chunks come in. */
class Whole {
  readonly bytes: Uint8Array;
  readonly #title: string;
  readonly #sha256: string;
  readonly #assembler: ByteAssembler;
  readonly #hash = createHash('sha256');

  constructor(title: string, { sha256 }: ExecutableSum, target: Uint8Array) {
    this.bytes = target;
    this.#title = title;
    this.#sha256 = sha256;
    this.#assembler = new ByteAssembler(target, `executable of ${title}`);
  }

  /** Takes a message that is not the first of its call. Throws  MESSAGE_INVALID; CHUNK_CORRUPT. */
  addNext(header: ExecutableHeader__Output | null, chunk: ReceivedChunk | null): void {
    if (header !== null) {
      throw new TesseraError('MESSAGE_INVALID', 'executable: a second header in one call');
    }
    this.add(wirePresent(chunk, 'executable.chunk'));
  }

  /** Throws  CHUNK_CORRUPT. */
  add(chunk: ReceivedChunk): void {
    this.#assembler.add(chunk);
    for (const piece of piecesOf(chunk.data)) this.#hash.update(piece);
  }

  /** Throws  CHUNK_CORRUPT when bytes are missing or are not what their SHA-256 says. */
  finish(): this {
    this.#assembler.finish();
    if (this.#hash.digest('hex') !== this.#sha256) throw corrupt(this.#title, 'wrong SHA-256');
    return this;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function corrupt(title: string, sentence: string): TesseraError {
  return new TesseraError('CHUNK_CORRUPT', `executable of ${title}: ${sentence}`);
}
