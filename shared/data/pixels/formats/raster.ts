/** @file Common parts of the image formats that Tessera reads itself: the picture, and its errors. */

/**
 * A decoded picture of 8 bits a sample: 3 channels are red, green and blue, 4 have alpha after them.
 *
 * Shapes  samples [height, width, channels].
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly samples: Uint8Array;
}

/** A picture whose size is known, and whose samples are not made yet. */
export interface PictureFile {
  readonly width: number;
  readonly height: number;
  /** Throws  Error, saying why, for a damaged file. */
  decode(): Picture;
}

/** The error for a file that claims more bytes than it has. */
export function truncated(): never {
  throw new Error('the file is truncated');
}

/** Colours of indices: the file's own, and grey where it has none, as in Pillow. Shapes  table [256, 4], alpha last. */
export function colourTable(
  entries: Uint8Array,
  order: { readonly step: number; readonly red: number; readonly blue: number },
): Uint8Array {
  const table = new Uint8Array(256 * 4);
  const known = Math.min(256, Math.floor(entries.length / order.step));
  for (let i = 0; i < 256; i += 1) {
    const colour = [
      entries[i * order.step + order.red],
      entries[i * order.step + 1],
      entries[i * order.step + order.blue],
    ];
    table.set(i < known ? (colour as number[]) : [i, i, i], i * 4);
    table[i * 4 + 3] = 255;
  }
  return table;
}

/** Indices as colours, with alpha where an entry is not opaque. */
export function colours(
  indices: Uint8Array,
  table: Uint8Array,
  size: { readonly width: number; readonly height: number },
): Picture {
  let channels: 3 | 4 = 3;
  for (let i = 3; i < table.length; i += 4) if (table[i] !== 255) channels = 4;
  const samples = new Uint8Array(indices.length * channels);
  for (let i = 0, to = 0; i < indices.length; i += 1, to += channels) {
    const from = (indices[i] as number) * 4;
    samples[to] = table[from] as number;
    samples[to + 1] = table[from + 1] as number;
    samples[to + 2] = table[from + 2] as number;
    if (channels === 4) samples[to + 3] = table[from + 3] as number;
  }
  return { width: size.width, height: size.height, channels, samples };
}
