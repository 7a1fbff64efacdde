/**
 * @file The size and channels of a JPEG file, where it is of the usual kind: asking the decoder takes a tenth of decoding.
 *
 * Source  ITU-T T.81, B.2.
 */

/** A picture in grey or in colours of 8 bits, upright. */
export interface PlainJpeg {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** Frames that decoders read: baseline, extended, progressive. */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** EXIF data, which may turn the picture, and Adobe's, which may give channels another meaning. */
const MEANINGFUL: ReadonlySet<number> = new Set([0xe1, 0xee]);
/** Segments that come before a frame and do not change its meaning: tables, comments, other applications' data. */
const isPassedOver = (kind: number) =>
  [0xc4, 0xdb, 0xdd, 0xfe].includes(kind) ||
  (kind >= 0xe0 && kind <= 0xef && !MEANINGFUL.has(kind));

/** What the head of a file says; nothing where only a decoder can say it. */
export function plainJpeg(bytes: Uint8Array): PlainJpeg | undefined {
  const short = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (short(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 10 < bytes.length; ) {
    const kind = bytes[at + 1] as number;
    const length = short(at + 2);
    if (bytes[at] !== 0xff || length < 2) return undefined;
    if (FRAMES.has(kind))
      return frameOf(bytes[at + 4], short(at + 5), short(at + 7), bytes[at + 9]);
    if (!isPassedOver(kind)) return undefined;
    at += 2 + length;
  }
  return undefined;
}

function frameOf(
  bits: number | undefined,
  height: number,
  width: number,
  channels: number | undefined,
): PlainJpeg | undefined {
  if (bits !== 8 || width === 0 || height === 0) return undefined;
  return channels === 1 || channels === 3 ? { width, height, channels } : undefined;
}
