/** @file One request to an object store: a body from a file, a reply as a stream, and a deadline for silence. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';

/** A request as it goes out. */
export interface ObjectRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Its bytes, where it has some; `content-length` says how many. */
  readonly body?: Readable | undefined;
  /** Longest time in which nothing moves. */
  readonly silenceMs: number;
  /** Longest time until the head of the reply. */
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a request; resolves with the head of the reply. Throws  node's error when the network fails or is silent. */
export function sendRequest(options: ObjectRequest): Promise<IncomingMessage> {
  const { method, url, headers, body, silenceMs, limitMs, signal } = options;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, ...(signal && { signal }) });
    const limit = setTimeout(() => request.destroy(silence(url, limitMs)), limitMs);
    const settle = () => {
      clearTimeout(limit);
      // What is left of the body has nowhere to go.
      body?.unpipe(request);
      body?.destroy();
    };
    request.setTimeout(silenceMs, () => request.destroy(silence(url, silenceMs)));
    // A store may refuse before it has read the body, and close: its reply counts, if it has arrived.
    request.on('response', (reply) => {
      settle();
      resolve(reply);
    });
    request.on('error', (error) => {
      settle();
      reject(error);
    });
    if (body === undefined) request.end();
    else {
      body.on('error', (error) => request.destroy(error));
      body.pipe(request);
    }
  });
}

function silence({ host }: URL, ms: number): Error {
  return new Error(`${host} has not replied for ${Math.round(ms / 1000)} s`);
}

/** The beginning of a reply as text. Throws  node's error when the connection breaks. */
export async function textOf(reply: IncomingMessage, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of reply) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > bytesMax) break;
  }
  // One that was cut ends without an error where its length was not said.
  if (bytes <= bytesMax && !reply.complete) throw new Error('the reply was cut');
  return Buffer.concat(pieces).toString('utf8', 0, bytesMax);
}
