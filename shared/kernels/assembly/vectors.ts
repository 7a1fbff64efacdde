/** @file Elementwise operations on vectors of float32, and what is asked of all their values. */

/** target[i] += source[i], in float32. */
export function addInto(target: usize, source: usize, count: i32): void {
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const at: usize = (<usize>i) << 2;
      v128.store(target + at, f32x4.add(v128.load(target + at), v128.load(source + at)));
      i += 4;
    } while (i + 4 <= count);
  }
  for (; i < count; i += 1) {
    const at: usize = (<usize>i) << 2;
    store<f32>(target + at, load<f32>(target + at) + load<f32>(source + at));
  }
}

/** Whether no value is NaN or infinite (0 or 1). */
export function areFinite(values: usize, count: i32): i32 {
  const exponents = i32x4.splat(0x7f80_0000);
  const one = i32x4.splat(0x0080_0000);
  let signs = i32x4.splat(0);
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const bits = v128.load(values + ((<usize>i) << 2));
      // An exponent of all ones carries over into the sign bit.
      signs = v128.or(signs, i32x4.add(v128.and(bits, exponents), one));
      i += 4;
    } while (i + 4 <= count);
  }
  let rest: i32 = i32x4.bitmask(signs) === 0 ? 0 : -1;
  for (; i < count; i += 1) {
    rest |= (load<i32>(values + ((<usize>i) << 2)) & 0x7f80_0000) + 0x0080_0000;
  }
  return i32(rest >= 0);
}

/** sum + values[0]² + values[1]² + ..., in float64 and in this order: each addition waits for the one before it. */
export function sumOfSquares(values: usize, count: i32, sum: f64): f64 {
  let total: f64 = sum;
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const at: usize = values + ((<usize>i) << 2);
      const left = f64x2.promote_low_f32x4(v128.load64_zero(at));
      const right = f64x2.promote_low_f32x4(v128.load64_zero(at + 8));
      const squaresLeft = f64x2.mul(left, left);
      const squaresRight = f64x2.mul(right, right);
      total += f64x2.extract_lane(squaresLeft, 0);
      total += f64x2.extract_lane(squaresLeft, 1);
      total += f64x2.extract_lane(squaresRight, 0);
      total += f64x2.extract_lane(squaresRight, 1);
      i += 4;
    } while (i + 4 <= count);
  }
  for (; i < count; i += 1) {
    const value: f64 = <f64>load<f32>(values + ((<usize>i) << 2));
    total += value * value;
  }
  return total;
}

/** average[i] = decay * average[i] + (1 - decay) * values[i], in float64, rounded to float32. */
export function moveAverage(average: usize, values: usize, count: i32, decay: f64): void {
  const gain: f64 = 1.0 - decay;
  const decays = f64x2.splat(decay);
  const gains = f64x2.splat(gain);
  let i: i32 = 0;
  if (count >= 2) {
    do {
      const at: usize = (<usize>i) << 2;
      const before = f64x2.promote_low_f32x4(v128.load64_zero(average + at));
      const value = f64x2.promote_low_f32x4(v128.load64_zero(values + at));
      const moved = f64x2.add(f64x2.mul(decays, before), f64x2.mul(gains, value));
      v128.store64_lane(average + at, f32x4.demote_f64x2_zero(moved), 0);
      i += 2;
    } while (i + 2 <= count);
  }
  if (i < count) {
    const at: usize = (<usize>i) << 2;
    const moved: f64 = decay * <f64>load<f32>(average + at) + gain * <f64>load<f32>(values + at);
    store<f32>(average + at, <f32>moved);
  }
}
