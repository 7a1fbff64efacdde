/**
 * @file A block of 8 x 8 coefficients to samples: libjpeg's inverse cosine transform in integers ("islow"), with the
 * bits of libjpeg-turbo's own SIMD.
 *
 * Source  jidctint.c: Loeffler, Ligtenberg and Moschytz, 11 products a row; 13 bits behind the point, 2 between the passes.
 */

/** Bits that a pass drops. */
const BETWEEN: i32 = 11;
const AT_LAST: i32 = 18;

/** The largest coefficient of a first row: four times it is an int16. */
const LARGEST: i32 = 8191;

/**
 * Writes the samples of a block, and makes the block all zeros again. False for coefficients that no picture has, where
 * libjpeg-turbo's own versions differ.
 *
 * Shapes  block [8, 8] int16; steps the same, what a coefficient counts.
 */
export function samplesOf(
  block: usize,
  last: i32,
  steps: usize,
  target: usize,
  stride: usize,
): bool {
  if (last === 0) {
    // Only a level: every sample is the same.
    const level = <i32>load<i16>(block) * <i32>load<i16>(steps);
    if (level > LARGEST || level < -LARGEST) return false;
    store<i16>(block, 0);
    const value = max<i32>(0, min<i32>(255, ((level + 4) >> 3) + 128));
    const eight = v128.splat<u8>(<u8>value);
    for (let y: usize = 0; y < 8; y += 1) v128.store64_lane(target + y * stride, eight, 0);
    return true;
  }
  for (let at: usize = 0; at < 128; at += 16) {
    v128.store(block + at, i16x8.mul(v128.load(block + at), v128.load(steps + at)));
  }
  const sizes = i16x8.abs(v128.load(block));
  if (v128.any_true(i16x8.gt_u(sizes, i16x8.splat(<i16>LARGEST)))) return false;
  pass(block, BETWEEN);
  transpose(block);
  pass(block, AT_LAST);
  transpose(block);
  const middle = i8x16.splat(-128);
  for (let y: usize = 0; y < 8; y += 2) {
    const at = block + (y << 4);
    const bytes = v128.xor(i8x16.narrow_i16x8_s(v128.load(at), v128.load(at, 16)), middle);
    v128.store64_lane(target + y * stride, bytes, 0);
    v128.store64_lane(target + (y + 1) * stride, bytes, 1);
  }
  clear(block);
  return true;
}

/** Makes a block all zeros. */
export function clear(block: usize): void {
  const zeros = i64x2.splat(0);
  for (let at: usize = 0; at < 128; at += 16) v128.store(block + at, zeros);
}

/** Pairs of the first four lanes, and of the last four. */
function low(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
function high(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** The sum of two products, for each pair. */
function dot(pairs: v128, first: i16, second: i16): v128 {
  return i32x4.dot_i16x8_s(
    pairs,
    i16x8(first, second, first, second, first, second, first, second),
  );
}

/** One pass over the eight rows at `at`, every lane for itself. */
function pass(at: usize, dropped: i32): void {
  const in0 = v128.load(at);
  const in1 = v128.load(at, 16);
  const in2 = v128.load(at, 32);
  const in3 = v128.load(at, 48);
  const in4 = v128.load(at, 64);
  const in5 = v128.load(at, 80);
  const in6 = v128.load(at, 96);
  const in7 = v128.load(at, 112);
  const sum04 = i16x8.add(in0, in4);
  const difference04 = i16x8.sub(in0, in4);
  const sum73 = i16x8.add(in7, in3);
  const sum51 = i16x8.add(in5, in1);
  half(
    low(in2, in6),
    low(sum73, sum51),
    low(in7, in1),
    low(in5, in3),
    i32x4.extend_low_i16x8_s(sum04),
    i32x4.extend_low_i16x8_s(difference04),
    at,
    dropped,
  );
  half(
    high(in2, in6),
    high(sum73, sum51),
    high(in7, in1),
    high(in5, in3),
    i32x4.extend_high_i16x8_s(sum04),
    i32x4.extend_high_i16x8_s(difference04),
    at + 8,
    dropped,
  );
}

/** Four lanes of a pass, from pairs of rows: 2 and 6, 7+3 and 5+1, 7 and 1, 5 and 3; then 0+4 and 0-4. */
function half(
  pairs26: v128,
  pairs34: v128,
  pairs71: v128,
  pairs53: v128,
  sum04: v128,
  difference04: v128,
  at: usize,
  dropped: i32,
): void {
  const rounding = i32x4.splat(1 << (dropped - 1));
  const even0 = i32x4.add(i32x4.shl(sum04, 13), rounding);
  const even1 = i32x4.add(i32x4.shl(difference04, 13), rounding);
  const even2 = dot(pairs26, 4433, -10704);
  const even3 = dot(pairs26, 10703, 4433);
  const z3 = dot(pairs34, -6436, 9633);
  const z4 = dot(pairs34, 9633, 6437);
  const odd0 = i32x4.add(dot(pairs71, -4927, -7373), z3);
  const odd3 = i32x4.add(dot(pairs71, -7373, 4926), z4);
  const odd1 = i32x4.add(dot(pairs53, -4176, -20995), z4);
  const odd2 = i32x4.add(dot(pairs53, -20995, 4177), z3);
  mirrored(i32x4.add(even0, even3), odd3, at, at + 112, dropped);
  mirrored(i32x4.add(even1, even2), odd2, at + 16, at + 96, dropped);
  mirrored(i32x4.sub(even1, even2), odd1, at + 32, at + 80, dropped);
  mirrored(i32x4.sub(even0, even3), odd0, at + 48, at + 64, dropped);
}

/** The sum and the difference, less `dropped` bits, to two rows. */
function mirrored(even: v128, odd: v128, toSum: usize, toDifference: usize, dropped: i32): void {
  const sum = i32x4.shr_s(i32x4.add(even, odd), dropped);
  const difference = i32x4.shr_s(i32x4.sub(even, odd), dropped);
  const both = i16x8.narrow_i32x4_s(sum, difference);
  v128.store64_lane(toSum, both, 0);
  v128.store64_lane(toDifference, both, 1);
}

/** Rows become columns. */
function transpose(at: usize): void {
  const in0 = v128.load(at);
  const in1 = v128.load(at, 16);
  const in2 = v128.load(at, 32);
  const in3 = v128.load(at, 48);
  const in4 = v128.load(at, 64);
  const in5 = v128.load(at, 80);
  const in6 = v128.load(at, 96);
  const in7 = v128.load(at, 112);
  const a0 = low(in0, in4);
  const a1 = high(in0, in4);
  const a2 = low(in1, in5);
  const a3 = high(in1, in5);
  const a4 = low(in2, in6);
  const a5 = high(in2, in6);
  const a6 = low(in3, in7);
  const a7 = high(in3, in7);
  const b0 = low(a0, a4);
  const b1 = high(a0, a4);
  const b2 = low(a1, a5);
  const b3 = high(a1, a5);
  const b4 = low(a2, a6);
  const b5 = high(a2, a6);
  const b6 = low(a3, a7);
  const b7 = high(a3, a7);
  v128.store(at, low(b0, b4));
  v128.store(at, high(b0, b4), 16);
  v128.store(at, low(b1, b5), 32);
  v128.store(at, high(b1, b5), 48);
  v128.store(at, low(b2, b6), 64);
  v128.store(at, high(b2, b6), 80);
  v128.store(at, low(b3, b7), 96);
  v128.store(at, high(b3, b7), 112);
}
