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

/** The bytes of four sums, in the lowest 32 bits. */
function rounded(low: v128, high: v128): v128 {
  const sum = i32x4.shr_s(i32x4.add(low, i32x4.shl(high, 15)), 22);
  const words = i16x8.narrow_i32x4_s(sum, sum);
  return i8x16.narrow_i16x8_u(words, words);
}

/** Rows of RGB. Shapes  source [height, width, 3], target [height, numTargets, 3]. */
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
  const firstPair = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  const secondPair = i8x16(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const start = i32x4.splat(HALF);
  const zero = i32x4.splat(0);
  const rowBytes = <usize>width * 3;
  const targetBytes = <usize>numTargets * 3;
  for (let y: i32 = 0; y < height; y += 1) {
    const row = source + <usize>y * rowBytes;
    let to = target + <usize>y * targetBytes;
    for (let x: i32 = 0; x < numTargets; x += 1, to += 3) {
      let from = row + <usize>load<i32>(firsts + ((<usize>x) << 2)) * 3;
      let lowAt = lows + ((<usize>x * <usize>stride) << 1);
      let highAt = highs + ((<usize>x * <usize>stride) << 1);
      let low = start;
      let high = zero;
      for (let tap: i32 = 0; tap < stride; tap += 4) {
        const pixels = v128.load(from);
        const one = i8x16.swizzle(pixels, firstPair);
        const two = i8x16.swizzle(pixels, secondPair);
        low = i32x4.add(low, i32x4.dot_i16x8_s(one, v128.load32_splat(lowAt)));
        high = i32x4.add(high, i32x4.dot_i16x8_s(one, v128.load32_splat(highAt)));
        low = i32x4.add(low, i32x4.dot_i16x8_s(two, v128.load32_splat(lowAt, 4)));
        high = i32x4.add(high, i32x4.dot_i16x8_s(two, v128.load32_splat(highAt, 4)));
        from += 12;
        lowAt += 8;
        highAt += 8;
      }
      const bytes = rounded(low, high);
      v128.store16_lane(to, bytes, 0);
      v128.store8_lane(to, bytes, 2, 2);
    }
  }
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

/** Columns of any pixels. Shapes  source [height, rowBytes], target [numTargets, rowBytes]. */
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
  const last = height - 1;
  for (let y: i32 = 0; y < numTargets; y += 1) {
    const first = load<i32>(firsts + ((<usize>y) << 2));
    const at = (<usize>y * <usize>stride) << 1;
    const to = target + <usize>y * <usize>rowBytes;
    // Rows that end between two steps write beyond their end: the next row writes over it.
    for (let x: i32 = 0; x < rowBytes; x += 8) {
      let low0 = start;
      let low1 = start;
      let high0 = zero;
      let high1 = zero;
      for (let tap: i32 = 0; tap < stride; tap += 2) {
        const one = min<i32>(first + tap, last);
        const two = min<i32>(first + tap + 1, last);
        const upper = v128.load8x8_u(source + <usize>one * <usize>rowBytes + <usize>x);
        const lower = v128.load8x8_u(source + <usize>two * <usize>rowBytes + <usize>x);
        const left = i16x8.shuffle(upper, lower, 0, 8, 1, 9, 2, 10, 3, 11);
        const right = i16x8.shuffle(upper, lower, 4, 12, 5, 13, 6, 14, 7, 15);
        const skip = at + ((<usize>tap) << 1);
        const lowWeights = v128.load32_splat(lows + skip);
        const highWeights = v128.load32_splat(highs + skip);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(left, lowWeights));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(right, lowWeights));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(left, highWeights));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(right, highWeights));
      }
      const words = i16x8.narrow_i32x4_s(
        i32x4.shr_s(i32x4.add(low0, i32x4.shl(high0, 15)), 22),
        i32x4.shr_s(i32x4.add(low1, i32x4.shl(high1, 15)), 22),
      );
      v128.store64_lane(to + <usize>x, i8x16.narrow_i16x8_u(words, words), 0);
    }
  }
}
