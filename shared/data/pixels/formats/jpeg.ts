/**
 * @file JPEG files that are whole but not quite in order: bytes between their segments, scans that name what only
 * progressive files name, restarts counted wrongly. Decoders step over these, and so warn of them as of damage.
 *
 * `tidyJpeg` writes the same picture in order, so that a decoder that ends at every warning reads it, and still ends
 * where pixels are lost. Source  ITU-T T.81, B.1 and B.2; libjpeg's jpeg_resync_to_restart.
 */

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;
const RESTART_INTERVAL = 0xdd;
const JFIF = 0xe0;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
const isAlone = (marker: number) => marker === 1 || isRestart(marker) || marker === START;
/** Frames of every process; 0xc4, 0xc8 and 0xcc are something else. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const isSequential = (marker: number) => marker === 0xc0 || marker === 0xc1;

/** What is known of a file so far. */
interface Progress {
  readonly bytes: Uint8Array;
  /** What is in order so far: never more than there was. */
  readonly tidy: Writer;
  /** The frame's marker and the body of its segment. */
  frame: { readonly marker: number; readonly body: Uint8Array } | undefined;
  /** Units between two restarts; 0 for none. */
  interval: number;
}

/**
 * The picture of a file in order, up to its end; nothing where it has no end, or not the restarts that its size asks
 * for: then some of it is lost.
 *
 * @param dropsZeros whether zeros at the ends of coded data are dropped, which some cameras and editors fill up with
 */
export function tidyJpeg(bytes: Uint8Array, dropsZeros: boolean): Uint8Array | undefined {
  const tidy = new Writer(bytes.length);
  const progress: Progress = { bytes, tidy, frame: undefined, interval: 0 };
  tidy.write([0xff, START]);
  for (let at: number | undefined = 2; at !== undefined; ) {
    const marker = markerAt(bytes, at);
    if (marker?.kind === END) {
      tidy.write([0xff, END]);
      return tidy.written();
    }
    if (marker === undefined || isAlone(marker.kind)) at = marker?.behind;
    else at = copySegment(progress, marker.kind, marker.behind, dropsZeros);
  }
  return undefined;
}

/** Copies a segment, and the coded data behind the header of a scan; where they end, or nothing where that is lost. */
function copySegment(
  progress: Progress,
  kind: number,
  at: number,
  dropsZeros: boolean,
): number | undefined {
  const { bytes, tidy } = progress;
  const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const end = at + length;
  if (length < 2 || end > bytes.length) return undefined;
  const body = bytes.subarray(at + 2, end);
  tidy.write([0xff, kind, length >> 8, length & 255]);
  tidy.write(inOrder(progress, kind, body));
  return kind === SCAN ? copyScan(progress, end, body, dropsZeros) : end;
}

/** Bytes behind one another. */
class Writer {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  write(some: ArrayLike<number>): void {
    this.#bytes.set(some, this.#length);
    this.#length += some.length;
  }

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** The next marker, whatever lies before it. */
function markerAt(bytes: Uint8Array, start: number) {
  for (let at = start; at + 1 < bytes.length; at += 1) {
    const kind = bytes[at + 1] as number;
    if (bytes[at] === 0xff && kind !== 0 && kind !== 0xff) return { at, kind, behind: at + 2 };
  }
  return undefined;
}

/** The body of a segment, as it should be; what it says is kept in mind. */
function inOrder(progress: Progress, kind: number, body: Uint8Array): Uint8Array {
  if (isFrame(kind)) progress.frame = { marker: kind, body };
  if (kind === RESTART_INTERVAL) progress.interval = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
  const copy = body.slice();
  // Its version says nothing about the picture.
  if (kind === JFIF && String.fromCharCode(...body.subarray(0, 5)) === 'JFIF\0') copy[5] = 1;
  // A sequential scan has all coefficients in full: phones write zeros here.
  const isPlain = progress.frame !== undefined && isSequential(progress.frame.marker);
  if (kind === SCAN && isPlain && body.length >= 3) copy.set([0, 63, 0], body.length - 3);
  return copy;
}

/** Copies coded data, restarts in order; where it ends, or nothing where restarts are missing. */
function copyScan(
  { bytes, tidy, frame, interval }: Progress,
  start: number,
  header: Uint8Array,
  dropsZeros: boolean,
): number | undefined {
  let restarts = 0;
  for (let from = start; ; ) {
    const marker = markerAt(bytes, from);
    if (marker === undefined) return undefined;
    let end = marker.at;
    // A zero behind 0xff belongs to it.
    while (dropsZeros && end > from && bytes[end - 1] === 0 && bytes[end - 2] !== 0xff) end -= 1;
    tidy.write(bytes.subarray(from, end));
    if (!isRestart(marker.kind)) {
      return restarts === restartsOf(frame?.body, interval, header) ? marker.at : undefined;
    }
    const expected = restarts % 8;
    // Decoders treat a number that is far off as the expected one, and a near one as a gap.
    const off = (marker.kind - 0xd0 - expected + 8) % 8;
    if (off !== 0 && (off < 3 || off > 5)) return undefined;
    tidy.write([0xff, 0xd0 + expected]);
    restarts += 1;
    from = marker.behind;
  }
}

/** How many restarts a scan has: one between two intervals of its units. */
function restartsOf(frame: Uint8Array | undefined, interval: number, scan: Uint8Array): number {
  if (interval === 0) return 0;
  if (frame === undefined || frame.length < 6) return Number.NaN;
  const [height, width] = [1, 3].map((at) => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0));
  const samplings = new Map<number, { readonly h: number; readonly v: number }>();
  for (let at = 6; at + 2 < frame.length; at += 3) {
    const sampling = frame[at + 1] as number;
    samplings.set(frame[at] as number, { h: sampling >> 4, v: sampling & 15 });
  }
  const most = (side: 'h' | 'v') => Math.max(1, ...[...samplings.values()].map((s) => s[side]));
  // A scan of one component has blocks of its own samples, one of more the smallest rectangle of whole blocks of all.
  const own = scan[0] === 1 ? samplings.get(scan[1] as number) : undefined;
  const blocks = (length: number, side: 'h' | 'v') =>
    own === undefined
      ? Math.ceil(length / (8 * most(side)))
      : Math.ceil(Math.ceil((length * own[side]) / most(side)) / 8);
  const units = blocks(width as number, 'h') * blocks(height as number, 'v');
  return Math.ceil(units / interval) - 1;
}
