/** @file Receives the body of a request, within the bytes that a server holds. */
import type { IncomingMessage } from 'node:http';
import { type Refusal, refused } from '../http/refusal.ts';
import { boundaryOf, fileInForm } from './multipart.ts';
import { tooLarge } from './requests.ts';

/** Bytes that are held for all requests of a server. */
export class HeldBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  /** Whether there was room for so many more. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** An image that came, and how its bytes are let go; or why there is none. */
export type Received = { readonly image: Uint8Array; release(): void } | Refusal;

/** How long a client waits until there may be room for its bytes. */
const ROOM_SECONDS = 5;

/**
 * The image of a request: its whole body, or the file of a form.
 *
 * Throws  when the client goes.
 */
export async function receiveImage(
  request: IncomingMessage,
  held: HeldBytes,
  bodyBytesMax: number,
): Promise<Received> {
  const body = new GrowingBody(held, bodyBytesMax);
  const giveBack = (refusal: Refusal): Refusal => {
    body.release();
    return refusal;
  };
  try {
    // Left early, the request stays open: its client has yet to read why.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      if (body.length + piece.length > bodyBytesMax) return giveBack(tooLarge({ bodyBytesMax }));
      if (!body.append(piece)) return giveBack(noRoom(ROOM_SECONDS));
    }
  } catch (error) {
    body.release();
    throw error;
  }
  const boundary = boundaryOf(request.headers['content-type'] ?? '');
  const image = boundary === undefined ? body.bytes : fileInForm(body.bytes, boundary);
  if (image !== undefined && image.length > 0) return { image, release: () => body.release() };
  const sentence =
    boundary === undefined ? 'the body is empty: send an image file' : 'the form holds no file';
  return giveBack(refused(400, 'NO_IMAGE', sentence));
}

/** The room that a body begins with. */
const FIRST_BYTES = 64 * 1024;

/** A body in one piece of memory, which grows as it comes: what a client announces costs nothing, nor do tiny pieces. */
class GrowingBody {
  readonly #held: HeldBytes;
  readonly #most: number;
  #room = Buffer.alloc(0);
  length = 0;

  constructor(held: HeldBytes, most: number) {
    this.#held = held;
    this.#most = most;
  }

  /** What has come. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.length);
  }

  /** Whether there was room for a piece. */
  append(piece: Uint8Array): boolean {
    const needed = this.length + piece.length;
    if (needed > this.#room.length) {
      const next = Math.min(this.#most, Math.max(FIRST_BYTES, needed, 2 * this.#room.length));
      if (!this.#held.take(next - this.#room.length)) return false;
      const larger = Buffer.alloc(next);
      larger.set(this.bytes);
      this.#room = larger;
    }
    this.#room.set(piece, this.length);
    this.length = needed;
    return true;
  }

  release(): void {
    this.#held.give(this.#room.length);
    this.#room = Buffer.alloc(0);
  }
}

/** The refusal of a request that there is no room for now. */
export function noRoom(seconds: number): Refusal {
  const headers = { 'retry-after': String(seconds) };
  return refused(503, 'BUSY', `too many images at once: try again in ${seconds} s`, headers);
}
