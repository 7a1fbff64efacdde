/** @file float32 to bfloat16 and back, four values at a time, as in shared/kernels/bfloat16.ts: the nearest, ties to even. */

/** Bits of four float32 with their upper halves rounded; lower halves are 0. */
function rounded(bits: v128): v128 {
  const odd = v128.and(i32x4.shr_u(bits, 16), i32x4.splat(1));
  const near = v128.and(
    i32x4.add(bits, i32x4.add(odd, i32x4.splat(0x7fff))),
    i32x4.splat(0xffff_0000),
  );
  const quiet = v128.and(v128.or(bits, i32x4.splat(0x0040_0000)), i32x4.splat(0xffff_0000));
  const size = v128.and(bits, i32x4.splat(0x7fff_ffff));
  const areNaN = i32x4.gt_s(size, i32x4.splat(0x7f80_0000));
  return v128.bitselect(quiet, near, areNaN);
}

function roundedOne(bits: u32): u32 {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits | 0x0040_0000) & 0xffff_0000;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff_0000;
}

/** values[i] = the nearest bfloat16, still as float32. */
export function roundBfloat16(values: usize, count: i32): void {
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const at: usize = values + ((<usize>i) << 2);
      v128.store(at, rounded(v128.load(at)));
      i += 4;
    } while (i + 4 <= count);
  }
  for (; i < count; i += 1) {
    const at: usize = values + ((<usize>i) << 2);
    store<u32>(at, roundedOne(load<u32>(at)));
  }
}

/** target[i] = the nearest bfloat16 of target[i] + source[i], which is added in float32. */
export function addBfloat16Into(target: usize, source: usize, count: i32): void {
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const at: usize = (<usize>i) << 2;
      const sum = f32x4.add(v128.load(target + at), v128.load(source + at));
      v128.store(target + at, rounded(sum));
      i += 4;
    } while (i + 4 <= count);
  }
  for (; i < count; i += 1) {
    const at: usize = (<usize>i) << 2;
    const sum: f32 = load<f32>(target + at) + load<f32>(source + at);
    store<u32>(target + at, roundedOne(reinterpret<u32>(sum)));
  }
}

/** target (16 bits each) = the nearest bfloat16 of source (32 bits each). They may not overlap. */
export function toBfloat16(target: usize, source: usize, count: i32): void {
  let i: i32 = 0;
  if (count >= 8) {
    do {
      const at: usize = source + ((<usize>i) << 2);
      const left = i32x4.shr_u(rounded(v128.load(at)), 16);
      const right = i32x4.shr_u(rounded(v128.load(at + 16)), 16);
      v128.store(target + ((<usize>i) << 1), i16x8.narrow_i32x4_u(left, right));
      i += 8;
    } while (i + 8 <= count);
  }
  for (; i < count; i += 1) {
    const bits: u32 = roundedOne(load<u32>(source + ((<usize>i) << 2)));
    store<u16>(target + ((<usize>i) << 1), <u16>(bits >>> 16));
  }
}

/**
 * target (32 bits each) = source (bfloat16, 16 bits each), which is exact. The source may be the last bytes of the target:
 * values are read before anything is written over them.
 */
export function fromBfloat16(target: usize, source: usize, count: i32): void {
  let i: i32 = 0;
  if (count >= 8) {
    do {
      const halves = v128.load(source + ((<usize>i) << 1));
      const at: usize = target + ((<usize>i) << 2);
      v128.store(at, i32x4.shl(i32x4.extend_low_i16x8_u(halves), 16));
      v128.store(at + 16, i32x4.shl(i32x4.extend_high_i16x8_u(halves), 16));
      i += 8;
    } while (i + 8 <= count);
  }
  for (; i < count; i += 1) {
    const bits: u32 = <u32>load<u16>(source + ((<usize>i) << 1));
    store<u32>(target + ((<usize>i) << 2), bits << 16);
  }
}
