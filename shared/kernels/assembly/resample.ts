/**
 * @file Weighted sums of pixels, in the fixed point of Pillow: 22 bits behind the point, results rounded and cut to bytes.
 *
 * A weight w is kept as two int16, low = w & 0x7fff and high = w >> 15, so that sum(p w) = sum(p low) + 32768 sum(p high).
 * Both sums take two products an instruction, and int32 wraps around as it does in the plain loops.
 *
 * Taps of `numTargets` new pixels: their first source pixels in int32, then `stride` low and `stride` high parts each,
 * weights of 0 behind the last one. Sources are read up to 16 bytes and `stride` pixels beyond their end.
 */

const HALF: i32 = 1 << 21;

/** Rows of RGB, four at a time. Shapes  source [height, width, 3], target [height, numTargets, 3]; stride is even. */
export function resampleColours(
  source: usize,
  width: i32,
  height: i32,
  target: usize,
  numTargets: i32,
  firsts: usize,
  lows: usize,
  highs: usize,
  stride: i32,
): void {
  // Red, green, blue of two pixels as pairs of int16; lane -1 is 0.
  const pair = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  const start = i32x4.splat(HALF);
  const zero = i32x4.splat(0);
  const rowBytes = <usize>width * 3;
  const targetBytes = <usize>numTargets * 3;
  const last = height - 1;
  for (let y: i32 = 0; y < height; y += 4) {
    // The last row may be made several times.
    const y1 = min<i32>(y + 1, last);
    const y2 = min<i32>(y + 2, last);
    const y3 = min<i32>(y + 3, last);
    const row0 = source + <usize>y * rowBytes;
    const row1 = source + <usize>y1 * rowBytes;
    const row2 = source + <usize>y2 * rowBytes;
    const row3 = source + <usize>y3 * rowBytes;
    const to0 = target + <usize>y * targetBytes;
    const to1 = target + <usize>y1 * targetBytes;
    const to2 = target + <usize>y2 * targetBytes;
    const to3 = target + <usize>y3 * targetBytes;
    let lowAt = lows;
    let highAt = highs;
    for (let x: i32 = 0; x < numTargets; x += 1) {
      let from = <usize>load<i32>(firsts + ((<usize>x) << 2)) * 3;
      let low0 = start;
      let low1 = start;
      let low2 = start;
      let low3 = start;
      let high0 = zero;
      let high1 = zero;
      let high2 = zero;
      let high3 = zero;
      for (let tap: i32 = 0; tap < stride; tap += 2) {
        const low = v128.load32_splat(lowAt);
        const high = v128.load32_splat(highAt);
        const pixels0 = i8x16.swizzle(v128.load64_zero(row0 + from), pair);
        const pixels1 = i8x16.swizzle(v128.load64_zero(row1 + from), pair);
        const pixels2 = i8x16.swizzle(v128.load64_zero(row2 + from), pair);
        const pixels3 = i8x16.swizzle(v128.load64_zero(row3 + from), pair);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pixels2, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pixels3, low));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pixels2, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pixels3, high));
        from += 6;
        lowAt += 4;
        highAt += 4;
      }
      const at = <usize>x * 3;
      storeColour(to0 + at, low0, high0);
      storeColour(to1 + at, low1, high1);
      storeColour(to2 + at, low2, high2);
      storeColour(to3 + at, low3, high3);
    }
  }
}

function storeColour(to: usize, low: v128, high: v128): void {
  const sum = i32x4.shr_s(i32x4.add(low, i32x4.shl(high, 15)), 22);
  const words = i16x8.narrow_i32x4_s(sum, sum);
  const bytes = i8x16.narrow_i16x8_u(words, words);
  v128.store16_lane(to, bytes, 0);
  v128.store8_lane(to, bytes, 2, 2);
}

/** Rows of grey. Shapes  source [height, width], target [height, numTargets]; stride is a multiple of 8. */
export function resampleGreys(
  source: usize,
  width: i32,
  height: i32,
  target: usize,
  numTargets: i32,
  firsts: usize,
  lows: usize,
  highs: usize,
  stride: i32,
): void {
  const zero = i32x4.splat(0);
  for (let y: i32 = 0; y < height; y += 1) {
    const row = source + <usize>(y * width);
    let to = target + <usize>(y * numTargets);
    for (let x: i32 = 0; x < numTargets; x += 1, to += 1) {
      const from = row + <usize>load<i32>(firsts + ((<usize>x) << 2));
      const at = (<usize>x * <usize>stride) << 1;
      let low = zero;
      let high = zero;
      for (let tap: i32 = 0; tap < stride; tap += 8) {
        const pixels = v128.load8x8_u(from + <usize>tap);
        const skip = at + ((<usize>tap) << 1);
        low = i32x4.add(low, i32x4.dot_i16x8_s(pixels, v128.load(lows + skip)));
        high = i32x4.add(high, i32x4.dot_i16x8_s(pixels, v128.load(highs + skip)));
      }
      const sums = i32x4.add(low, i32x4.shl(high, 15));
      const sum =
        i32x4.extract_lane(sums, 0) +
        i32x4.extract_lane(sums, 1) +
        i32x4.extract_lane(sums, 2) +
        i32x4.extract_lane(sums, 3);
      store<u8>(to, <u8>max<i32>(0, min<i32>(255, (sum + HALF) >> 22)));
    }
  }
}

/** The first eight pixels of two rows, by turns. */
function firstPairs(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** The last eight. */
function lastPairs(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Columns of any pixels. Shapes  source [height, rowBytes], target [numTargets, rowBytes]; stride is even. */
export function resampleColumns(
  source: usize,
  rowBytes: i32,
  height: i32,
  target: usize,
  numTargets: i32,
  firsts: usize,
  lows: usize,
  highs: usize,
  stride: i32,
): void {
  const start = i32x4.splat(HALF);
  const zero = i32x4.splat(0);
  const step = <usize>rowBytes;
  const end = source + <usize>(height - 1) * step;
  for (let y: i32 = 0; y < numTargets; y += 1) {
    const first = source + <usize>load<i32>(firsts + ((<usize>y) << 2)) * step;
    const to = target + <usize>y * step;
    // A row that ends between two steps writes beyond its end: the next row writes over it.
    for (let x: usize = 0; x < step; x += 16) {
      let low0 = start;
      let low1 = start;
      let low2 = start;
      let low3 = start;
      let high0 = zero;
      let high1 = zero;
      let high2 = zero;
      let high3 = zero;
      let row = first;
      let at = (<usize>y * <usize>stride) << 1;
      for (let tap: i32 = 0; tap < stride; tap += 2) {
        // Weights of 0 may lie behind the last row.
        const upper = v128.load(min<usize>(row, end) + x);
        const lower = v128.load(min<usize>(row + step, end) + x);
        const left = firstPairs(upper, lower);
        const right = lastPairs(upper, lower);
        const low = v128.load32_splat(lows + at);
        const high = v128.load32_splat(highs + at);
        const pixels0 = i16x8.extend_low_i8x16_u(left);
        const pixels1 = i16x8.extend_high_i8x16_u(left);
        const pixels2 = i16x8.extend_low_i8x16_u(right);
        const pixels3 = i16x8.extend_high_i8x16_u(right);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pixels2, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pixels3, low));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pixels2, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pixels3, high));
        row += step << 1;
        at += 4;
      }
      const words0 = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(low0, i32x4.shl(high0, 15)), 22),
        i32x4.shr_s(i32x4.add(low1, i32x4.shl(high1, 15)), 22),
      );
      const words1 = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(low2, i32x4.shl(high2, 15)), 22),
        i32x4.shr_s(i32x4.add(low3, i32x4.shl(high3, 15)), 22),
      );
      v128.store(to + x, i8x16.narrow_i16x8_u(words0, words1));
    }
  }
}
