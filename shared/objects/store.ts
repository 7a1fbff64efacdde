/**
 * @file A bucket as a folder of objects: put, get, list, remove. Each is tried within a budget, and what has arrived is
 * compared with what was sent.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type Clock, systemClock } from '../core/clock.ts';
import { TesseraError } from '../core/errors.ts';
import { sha256OfText } from '../files/digest.ts';
import type { StoreAccess } from './credentials.ts';
import { bucketUrl, type ObjectPlace, placeText } from './place.ts';
import { type ListedObject, readList, refusalCode, refused } from './replies.ts';
import { sendRequest, textOf } from './request.ts';
import { signedHeaders } from './signing.ts';
import { TRIES, type TriesBudget, withTries } from './tries.ts';

/** What an object is made of; it may be read more than once. */
export interface ObjectContent {
  readonly bytes: number;
  readonly sha256: string;
  /** In hex; undefined where this machine may not compute it. */
  readonly md5: string | undefined;
  read(): Readable;
}

/** What a store works with. */
export interface StoreOptions {
  readonly place: ObjectPlace;
  readonly access: StoreAccess;
  readonly clock?: Clock;
  readonly budget?: TriesBudget;
  readonly signal?: AbortSignal | undefined;
  /** Longest time in which nothing moves. */
  readonly silenceMs?: number;
  /** Gets why a request is tried again. */
  readonly onRetry?: (sentence: string) => void;
}

const SILENCE_MS = 60_000;
/** A store that takes less than this for a minute is too slow to wait for. Units  bytes a millisecond. */
const SLOWEST = 64;
const TEXT_BYTES_MAX = 64 * 1024 ** 2;
const REFUSAL_BYTES_MAX = 64 * 1024;
/** Pages of a list: a thousand objects each. */
const PAGES_MAX = 100;
const EMPTY_SHA256 = sha256OfText('');

/** The objects of one place. Names are relative to it. */
export class ObjectStore {
  readonly place: ObjectPlace;
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.place = options.place;
    this.#options = options;
  }

  /** Puts an object, replacing the one of that name, and makes sure that it has arrived whole. Throws  TesseraError. */
  async put(name: string, content: ObjectContent): Promise<void> {
    await this.#tries(async () => {
      const tag = await this.#putOnce(name, content);
      if (content.md5 !== undefined && tag === content.md5) return;
      // Where a store's tags are not checksums, as of encrypted buckets, what it has is read.
      await this.get(name, content, async (piece) => void piece, 1);
    });
  }

  async #putOnce(name: string, content: ObjectContent): Promise<string> {
    const what = `write ${this.#nameOf(name)}`;
    const reply = await this.#send(what, { method: 'PUT', name, content });
    await textOf(reply, REFUSAL_BYTES_MAX);
    return String(reply.headers.etag ?? '').replaceAll('"', '');
  }

  /**
   * Reads an object in pieces, each of which `take` is given; a failed try is begun again with `take` of no piece.
   *
   * Throws  CHUNK_CORRUPT when it is not what it should be; as `put` does.
   */
  async get(
    name: string,
    known: Pick<ObjectContent, 'bytes' | 'sha256'>,
    take: (piece: Buffer | undefined) => Promise<void>,
    tries?: number,
  ): Promise<void> {
    const { clock = systemClock, silenceMs = SILENCE_MS } = this.#options;
    await this.#tries(async () => {
      await take(undefined);
      const what = `read ${this.#nameOf(name)}`;
      const reply = await this.#send(what, { method: 'GET', name });
      const hash = createHash('sha256');
      let bytes = 0;
      const endsMs = clock.nowMs() + limitMsOf(silenceMs, known.bytes);
      await reading(what, async () => {
        for await (const piece of reply as AsyncIterable<Buffer>) {
          bytes += piece.length;
          if (bytes > known.bytes) break;
          if (clock.nowMs() > endsMs) throw new Error(`${this.place.bucket} is too slow`);
          hash.update(piece);
          await take(piece);
        }
      });
      if (bytes === known.bytes && hash.digest('hex') === known.sha256) return;
      throw new TesseraError('CHUNK_CORRUPT', `${this.#nameOf(name)} is not what was put there`);
    }, tries);
  }

  /** A small object as text. Throws  as `put` does. */
  async getText(name: string, bytesMax = TEXT_BYTES_MAX): Promise<string> {
    return await this.#tries(async () => {
      const what = `read ${this.#nameOf(name)}`;
      const reply = await this.#send(what, { method: 'GET', name });
      return await reading(what, () => textOf(reply, bytesMax));
    });
  }

  /** All objects of the place. Throws  as `put` does. */
  async list(): Promise<ListedObject[]> {
    const prefix = this.#key('');
    const found: ListedObject[] = [];
    let next: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = { 'list-type': '2', prefix, ...(next && { 'continuation-token': next }) };
      const listed = await this.#tries(async () => {
        const what = `list ${placeText(this.place)}`;
        const reply = await this.#send(what, { method: 'GET', query });
        return readList(await reading(what, () => textOf(reply, TEXT_BYTES_MAX)));
      });
      for (const { key, bytes } of listed.objects) {
        if (key.startsWith(prefix)) found.push({ key: key.slice(prefix.length), bytes });
      }
      next = listed.next;
      if (next === undefined) return found;
    }
    throw new TesseraError('DATA_INVALID', `${placeText(this.place)} has too many objects`, {
      hint: 'give the run a prefix of its own',
    });
  }

  /** Removes an object; fine if there is none. Throws  as `put` does. */
  async remove(name: string): Promise<void> {
    await this.#tries(async () => {
      const reply = await this.#send(`remove ${this.#nameOf(name)}`, { method: 'DELETE', name });
      reply.resume();
    });
  }

  #tries<T>(work: () => Promise<T>, tries?: number): Promise<T> {
    const { clock = systemClock, budget = TRIES, signal, onRetry } = this.#options;
    return withTries(work, {
      clock,
      signal,
      onRetry,
      budget: { ...budget, ...(tries && { tries }) },
    });
  }

  #key(name: string): string {
    const { prefix } = this.place;
    return prefix === '' ? name : `${prefix}/${name}`;
  }

  #nameOf(name: string): string {
    return `${placeText(this.place)}/${name}`;
  }

  /** Sends one request and reads a refusal. Throws  TesseraError. */
  async #send(
    what: string,
    request: {
      readonly method: string;
      readonly name?: string;
      readonly query?: Readonly<Record<string, string>>;
      readonly content?: ObjectContent;
    },
  ): Promise<IncomingMessage> {
    const { access, silenceMs = SILENCE_MS, signal } = this.#options;
    const { method, name, query = {}, content } = request;
    const url = bucketUrl(this.place.bucket, access);
    if (name !== undefined) url.pathname += this.#key(name);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const { region } = access;
    const length = content === undefined ? undefined : String(content.bytes);
    const headers = await signedHeaders(
      {
        ...{ method, url, bodySha256: content?.sha256 ?? EMPTY_SHA256 },
        headers: { host: url.host, ...(length !== undefined && { 'content-length': length }) },
      },
      { region, ...(await access.credentials()) },
    );
    const limitMs = limitMsOf(silenceMs, content?.bytes);
    const reply = await reading(what, () =>
      sendRequest({
        ...{ method, url, headers, silenceMs, limitMs, signal },
        ...(content !== undefined && content.bytes > 0 && { body: content.read() }),
      }),
    );
    const { statusCode: status = 0 } = reply;
    if (status >= 200 && status < 300) return reply;
    const text = await textOf(reply, REFUSAL_BYTES_MAX).catch(() => '');
    const refusal = { status, headers: reply.headers, text };
    if (refusalCode(refusal) === 'ExpiredToken') access.forget();
    throw refused(what, refusal);
  }
}

function limitMsOf(silenceMs: number, bytes = 0): number {
  return 2 * silenceMs + bytes / SLOWEST;
}

/** Reads from the network. Throws  TIMEOUT for what breaks it. */
async function reading<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TesseraError) throw error;
    const { sentence } = TesseraError.from(error);
    throw new TesseraError('TIMEOUT', `cannot ${what}: ${sentence}`, { cause: error });
  }
}

/** Text as the content of an object. */
export function textContent(text: string): ObjectContent {
  const bytes = Buffer.from(text);
  return {
    ...{ bytes: bytes.length, sha256: sha256OfText(text), md5: md5Of(bytes) },
    read: () => Readable.from([bytes]),
  };
}

function md5Of(bytes: Buffer): string | undefined {
  try {
    return createHash('md5').update(bytes).digest('hex');
  } catch {
    // A machine of the strict kind (FIPS) has none.
    return undefined;
  }
}
