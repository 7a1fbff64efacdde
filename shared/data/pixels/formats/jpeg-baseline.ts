/**
 * @file What a JPEG file of the commonest kind says: baseline, 8 bits, one scan, grey or colours of full or half the width
 * and height, in Huffman codes without restarts. Everything else is left to a decoder that reads all.
 *
 * Source  ITU-T T.81, B.2; JFIF 1.02 for the meaning of the colours.
 */

/** A code: how many codes each length has, from 1 to 16, and what they mean. */
export interface Code {
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
}

/** Brightness, or one of the colours. */
interface Component {
  /** Steps of the coefficients, in the order of the file. */
  readonly steps: Uint8Array;
  readonly levels: Code;
  readonly rest: Code;
}

/** A file, its coded data apart. */
export interface BaselineJpeg {
  readonly width: number;
  readonly height: number;
  /** Samples of brightness for one of colour, across and down. */
  readonly h: 1 | 2;
  readonly v: 1 | 2;
  readonly components: readonly Component[];
  /** From the first byte of coded data to the end of the file. */
  readonly coded: Uint8Array;
}

const FRAME = 0xc0;
const CODES = 0xc4;
const SCAN = 0xda;
const STEPS = 0xdb;
const COMMENT = 0xfe;
const JFIF = 0xe0;
/** EXIF data, which may turn the picture, and Adobe's, which may give channels another meaning. */
const MEANINGFUL: ReadonlySet<number> = new Set([0xe1, 0xee]);
const isPassedOver = (kind: number) =>
  kind === COMMENT || (kind >= 0xe0 && kind <= 0xef && !MEANINGFUL.has(kind));

/** Bits of a level at most. */
const SIZE_MAX = 11;

/** Names of the components of a file that need not say that they are brightness, blue and red. */
const PLAIN_NAMES = [1, 2, 3];

interface Frame extends Pick<BaselineJpeg, 'width' | 'height' | 'h' | 'v'> {
  readonly names: readonly number[];
  readonly stepsOf: readonly number[];
}

/** What the segments have said so far. */
interface Head {
  readonly steps: Map<number, Uint8Array>;
  readonly codes: Map<number, Code>;
  frame?: Frame | undefined;
  isJfif?: boolean;
}

/** What a file says; nothing where it is not quite of this kind, or damaged. */
export function baselineJpeg(bytes: Uint8Array): BaselineJpeg | undefined {
  const head: Head = { steps: new Map(), codes: new Map() };
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    const kind = bytes[at + 1] as number;
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const end = at + 2 + length;
    if (bytes[at] !== 0xff || length < 2 || end > bytes.length) return undefined;
    const body = bytes.subarray(at + 4, end);
    if (kind === SCAN) return scanned(head, body, bytes.subarray(end));
    if (!readSegment(head, kind, body)) return undefined;
    at = end;
  }
  return undefined;
}

/** Whether a segment is in order, and of a file of this kind. */
function readSegment(head: Head, kind: number, body: Uint8Array): boolean {
  switch (kind) {
    case FRAME:
      if (head.frame !== undefined) return false;
      head.frame = frameOf(body);
      return head.frame !== undefined;
    case STEPS:
      return readSteps(body, head.steps);
    case CODES:
      return readCodes(body, head.codes);
    case JFIF:
      if (String.fromCharCode(...body.subarray(0, 5)) !== 'JFIF\0') return true;
      head.isJfif = body.length >= 14;
      return body[5] === 1;
    default:
      return isPassedOver(kind);
  }
}

function scanned(head: Head, body: Uint8Array, coded: Uint8Array): BaselineJpeg | undefined {
  const { frame, isJfif = false } = head;
  const components = frame && scanOf(body, frame, head);
  if (frame === undefined || components === undefined) return undefined;
  if (components.length === 3 && !isJfif && !isPlainlyNamed(frame)) return undefined;
  const { width, height, h, v } = frame;
  return { width, height, h, v, components, coded };
}

function isPlainlyNamed({ names }: Frame): boolean {
  return PLAIN_NAMES.every((name, at) => names[at] === name);
}

/** Whether a byte is samples across and down, 1 to 4 of each. */
function isSampling(byte: number): boolean {
  return [byte >> 4, byte & 15].every((side) => side >= 1 && side <= 4);
}

function frameOf(body: Uint8Array): Frame | undefined {
  const [bits, high = 0, low = 0, wide = 0, narrow = 0, count = 0] = body;
  const [width, height] = [(wide << 8) | narrow, (high << 8) | low];
  if (bits !== 8 || width === 0 || height === 0 || body.length !== 6 + 3 * count) return undefined;
  const all = Array.from({ length: count }, (_, at) => body.subarray(6 + 3 * at, 9 + 3 * at));
  const names = all.map(([name = 0]) => name);
  const stepsOf = all.map(([, , table = 0]) => table);
  const samplings = all.map(([, sampling = 0]) => sampling);
  const frame = { width, height, names, stepsOf };
  // Of a picture in grey, whatever sampling it names says nothing, as long as there is such a one.
  if (count === 1) return samplings.every(isSampling) ? { ...frame, h: 1, v: 1 } : undefined;
  if (count !== 3 || samplings[1] !== 0x11 || samplings[2] !== 0x11) return undefined;
  if (samplings[0] === 0x11) return { ...frame, h: 1, v: 1 };
  // Colours of hardly any pixel are not smoothed.
  if (width < 8) return undefined;
  if (samplings[0] === 0x21) return { ...frame, h: 2, v: 1 };
  return samplings[0] === 0x22 ? { ...frame, h: 2, v: 2 } : undefined;
}

function readSteps(body: Uint8Array, steps: Map<number, Uint8Array>): boolean {
  let at = 0;
  for (; at + 65 <= body.length; at += 65) {
    const table = body[at] as number;
    if (table > 3) return false;
    steps.set(table, body.subarray(at + 1, at + 65));
  }
  return at === body.length;
}

function readCodes(body: Uint8Array, codes: Map<number, Code>): boolean {
  let at = 0;
  while (at + 17 <= body.length) {
    const counts = body.subarray(at + 1, at + 17);
    const numSymbols = counts.reduce((sum, count) => sum + count, 0);
    const end = at + 17 + numSymbols;
    if (numSymbols > 256 || end > body.length || !isCode(counts)) return false;
    codes.set(body[at] as number, { counts, symbols: body.subarray(at + 17, end) });
    at = end;
  }
  return at === body.length;
}

/** Whether there are no more codes of each length than there is room for: none is all ones. */
function isCode(counts: Uint8Array): boolean {
  let next = 0;
  return counts.every((count, at) => {
    next = 2 * next + count;
    return next < 2 ** (at + 1);
  });
}

/** The components of a scan that has all of them, whole. */
function scanOf(
  body: Uint8Array,
  { names, stepsOf }: Frame,
  { steps, codes }: Pick<Head, 'steps' | 'codes'>,
): Component[] | undefined {
  const count = names.length;
  if (body[0] !== count || body.length !== 4 + 2 * count) return undefined;
  const [first, last, bits] = body.subarray(1 + 2 * count);
  if (first !== 0 || last !== 63 || bits !== 0) return undefined;
  const components = names.flatMap((name, at) => {
    const [its, tables = 0] = body.subarray(1 + 2 * at);
    const own = steps.get(stepsOf[at] as number);
    const [levels, rest] = [codes.get(tables >> 4), codes.get(0x10 | (tables & 15))];
    if (its !== name || !own || !levels || !rest) return [];
    if (levels.symbols.some((size) => size > SIZE_MAX)) return [];
    return [{ steps: own, levels, rest }];
  });
  return components.length === count ? components : undefined;
}
