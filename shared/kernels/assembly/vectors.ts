/** @file Elementwise operations on vectors of float32. */

/** target[i] += source[i], in float32. */
export function addInto(target: usize, source: usize, count: i32): void {
  let i: i32 = 0;
  for (; i + 4 <= count; i += 4) {
    const at: usize = (<usize>i) << 2;
    v128.store(target + at, f32x4.add(v128.load(target + at), v128.load(source + at)));
  }
  for (; i < count; i += 1) {
    const at: usize = (<usize>i) << 2;
    store<f32>(target + at, load<f32>(target + at) + load<f32>(source + at));
  }
}
