/**
 * @file The bulk of a protobuf message apart from its head: large `bytes` fields travel as views, and what is left is a
 * small message for the general encoder. Pure.
 *
 * Only what our own encoders write is taken apart. Anything else, whether strange or wrong, is left to the general decoder.
 */
import { type Bytes, lengthOf, piecesOf } from '../../../contract/chunks.ts';
import type { Pieces } from './frames.ts';

/** Where a message has its bulk, and what its fields look like on the wire. */
export interface Shape {
  readonly serialize: (message: never) => Buffer;
  /** Number of its field `data`, where it has one. */
  readonly data: number | undefined;
  /** Of its fields by number: protobuf's wire types. */
  readonly wireTypes: ReadonlyMap<number, readonly number[]>;
  /** Its fields that are messages with bulk, by name. */
  readonly inner: ReadonlyMap<string, Shape & { readonly number: number | undefined }>;
}

type Fields = Record<string, unknown>;

const VARINT = 0;
const DELIMITED = 2;
/** Longer varints are left to the general decoder, which has rules of its own for them. */
const VARINT_BYTES_MAX = 5;

// ---- out ----

/** A message as parts: heads, and views of what it carries. */
export function partsOf(message: object, { serialize, data, inner }: Shape): Uint8Array[] {
  const head: Fields = { ...message };
  const bulk: Uint8Array[] = [];
  const carried = head['data'];
  if (data !== undefined && carried !== undefined) {
    delete head['data'];
    const bytes = carried as Bytes;
    bulk.push(fieldHead(data, lengthOf(bytes)), ...piecesOf(bytes));
  }
  for (const [name, shape] of inner) {
    const field = head[name];
    if (field === undefined || field === null || shape.number === undefined) continue;
    delete head[name];
    const parts = partsOf(field, shape);
    bulk.push(fieldHead(shape.number, lengthOf(parts)), ...parts);
  }
  return [serialize(head as never), ...bulk];
}

function fieldHead(number: number, length: number): Uint8Array {
  return Uint8Array.of(...varint(number * 8 + DELIMITED), ...varint(length));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

// ---- in ----

/** A message without its bulk, and the bulk. */
export interface Split {
  readonly head: Uint8Array[];
  readonly data: Pieces | undefined;
  readonly inner: ReadonlyMap<string, Split>;
}

/** Takes the bulk out of a message; undefined when it is not as `partsOf` makes it. */
export function splitBulk(pieces: Pieces, shape: Shape): Split | undefined {
  try {
    return split(new PieceReader(pieces), lengthOf(pieces), shape);
  } catch (thrown) {
    if (thrown === STRANGE) return undefined;
    throw thrown;
  }
}

/** Puts the bulk into a message that was decoded without it. */
export function putBulk(message: object, { data, inner }: Split): void {
  const fields = message as Fields;
  if (data !== undefined) fields['data'] = data;
  for (const [name, within] of inner) putBulk(fields[name] as object, within);
}

/** Thrown where a message is not as we write it. */
const STRANGE = new Error('left to the general decoder');

function split(reader: PieceReader, limit: number, shape: Shape): Split {
  const head: Uint8Array[] = [];
  const inner = new Map<string, Split>();
  let data: Pieces | undefined;
  while (reader.position < limit) {
    const [number, isDelimited] = fieldAt(reader, shape);
    if (!isDelimited) {
      head.push(Uint8Array.from(varint(number * 8)), reader.varintBytes());
      continue;
    }
    const length = reader.varint();
    const [name, within] = innerOf(shape, number);
    const isSecond = number === shape.data ? data !== undefined : inner.has(name);
    if (isSecond) throw STRANGE;
    if (number === shape.data) {
      data = reader.take(length);
    } else if (within === undefined) {
      head.push(fieldHead(number, length), ...reader.take(length));
    } else {
      const part = split(reader, reader.position + length, within);
      inner.set(name, part);
      head.push(fieldHead(number, lengthOf(part.head)), ...part.head);
    }
  }
  if (reader.position !== limit) throw STRANGE;
  return { head, data, inner };
}

/** The number of the next field, and whether it has a length; else it is a varint. */
function fieldAt(reader: PieceReader, { wireTypes }: Shape): readonly [number, boolean] {
  const tag = reader.varint();
  const [number, wireType] = [tag >>> 3, tag & 7];
  if (wireTypes.get(number)?.includes(wireType) !== true) throw STRANGE;
  if (wireType !== VARINT && wireType !== DELIMITED) throw STRANGE;
  return [number, wireType === DELIMITED];
}

function innerOf({ inner }: Shape, number: number): readonly [string, Shape | undefined] {
  return [...inner].find(([, shape]) => shape.number === number) ?? ['', undefined];
}

/** Reads over the cuts between pieces. Throws  STRANGE beyond the end. */
class PieceReader {
  readonly #pieces: Pieces;
  #index = 0;
  /** Place within the present piece. */
  #at = 0;
  position = 0;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  /** A tag or a length. Throws  STRANGE when it has more than 32 bits. */
  varint(): number {
    let value = 0;
    for (const [place, byte] of this.varintBytes().entries()) {
      value += (byte & 0x7f) * 2 ** (7 * place);
    }
    if (value > 0xffff_ffff) throw STRANGE;
    return value;
  }

  take(count: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      const piece = this.#piece();
      const isWhole = this.#at === 0 && piece.byteLength <= missing;
      const part = isWhole ? piece : piece.subarray(this.#at, this.#at + missing);
      if (part.byteLength > 0) taken.push(part);
      missing -= part.byteLength;
      this.#advance(part.byteLength);
    }
    return taken;
  }

  /** A varint as it is. */
  varintBytes(): Uint8Array {
    const bytes: number[] = [];
    let byte: number;
    do {
      byte = this.#byte();
      bytes.push(byte);
    } while (byte >= 0x80 && bytes.length < VARINT_BYTES_MAX);
    if (byte >= 0x80) throw STRANGE;
    return Uint8Array.from(bytes);
  }

  #byte(): number {
    for (;;) {
      const byte = this.#piece()[this.#at];
      this.#advance(byte === undefined ? 0 : 1);
      if (byte !== undefined) return byte;
    }
  }

  #piece(): Uint8Array {
    const piece = this.#pieces[this.#index];
    if (piece === undefined) throw STRANGE;
    return piece;
  }

  /** Moves the place, to the next piece at the end of one. */
  #advance(count: number): void {
    this.#at += count;
    this.position += count;
    if (this.#at < (this.#pieces[this.#index]?.byteLength ?? 0)) return;
    this.#index += 1;
    this.#at = 0;
  }
}
