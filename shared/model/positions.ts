/**
 * @file Position embeddings for another resolution (the paper, section 3.2): the grid is resampled, the
 * class token keeps its own.
 *
 * Source  timm's `resample_abs_pos_embed`, that is torch's bicubic interpolation with antialias: Keys'
 *         kernel with a = -0.5, widened by the scale where the grid shrinks, renormalised at the borders.
 */
import { TesseraError } from '../core/errors.ts';

/** Half the width of the bicubic kernel. */
const SUPPORT = 2;
const A = -0.5;

/** What is resampled, and to which grid. */
export interface ResampleOptions {
  /** Shapes  [1, 1 + G * G, D] flat, the class token first. */
  readonly positions: Float32Array;
  readonly width: number;
  /** Side of the new grid, in patches. */
  readonly side: number;
}

/**
 * Position embeddings for a grid of `side` x `side` patches; the same ones where the grid stays.
 *
 * Shapes  [1, 1 + G * G, D] flat -> [1, 1 + side * side, D] flat.
 * Throws  CHECKPOINT_MISMATCH when the old grid is not square.
 */
export function resamplePositions({ positions, width, side }: ResampleOptions): Float32Array {
  const tokens = positions.length / width;
  const before = gridSide(tokens);
  if (before === side) return positions;
  const taps = bicubicTaps(before, side);
  const grid = positions.subarray(width);
  const across = resampleAxis(grid, { taps, length: before, inner: width });
  const resampled = new Float32Array((1 + side * side) * width);
  resampled.set(positions.subarray(0, width));
  resampled.set(resampleAxis(across, { taps, length: before, inner: side * width }), width);
  return resampled;
}

/** Side of the grid of `tokens` tokens, the class token among them. */
export function gridSide(tokens: number): number {
  const side = Math.sqrt(tokens - 1);
  if (Number.isInteger(side) && side > 0) return side;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `the position embeddings have ${tokens} tokens: not a class token and a square of patches`,
    { hint: 'only models with one class token and square images can be loaded' },
  );
}

/** The sources of one output: the first, and how much each counts. */
interface Taps {
  readonly first: number;
  readonly shares: Float32Array;
}

function bicubicTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, at) => {
    const centre = scale * (at + 0.5);
    const first = Math.max(Math.trunc(centre - SUPPORT * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(centre + SUPPORT * stretch + 0.5), from);
    const raw = Array.from({ length: end - first }, (_, tap) =>
      bicubic((first + tap - centre + 0.5) / stretch),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, shares: Float32Array.from(raw, (share) => share / sum) };
  });
}

/** Source  Keys 1981. */
function bicubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < SUPPORT ? (((x - 5) * x + 8) * x - 4) * A : 0;
}

interface Axis {
  readonly taps: readonly Taps[];
  /** Of the axis before. */
  readonly length: number;
  /** Values from one place on the axis to the next. */
  readonly inner: number;
}

/** Resamples the middle axis. Shapes  [outer, length, inner] flat -> [outer, taps, inner] flat. */
function resampleAxis(values: Float32Array, { taps, length, inner }: Axis): Float32Array {
  const outer = values.length / (length * inner);
  const resampled = new Float32Array(outer * taps.length * inner);
  for (let block = 0; block < outer; block += 1) {
    for (const [at, { first, shares }] of taps.entries()) {
      const target = (block * taps.length + at) * inner;
      const source = (block * length + first) * inner;
      for (let i = 0; i < inner; i += 1) {
        let sum = 0;
        for (let tap = 0; tap < shares.length; tap += 1) {
          sum += (shares[tap] as number) * (values[source + tap * inner + i] as number);
        }
        resampled[target + i] = sum;
      }
    }
  }
  return resampled;
}
