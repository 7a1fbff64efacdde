/**
 * @file AdamW, Adam and SGD over a run of one tensor: float64 within an element, as in shared/training/optimizer.ts.
 *
 * Two elements at a time. There is no fused multiply-add in WebAssembly's SIMD, so each operation rounds as in JavaScript.
 */

/** 1 where no value whose bits came in had an exponent of all ones. */
function isFiniteMark(signs: v128): i32 {
  return i32((i32x4.bitmask(signs) & 3) === 0);
}

function isFiniteValue(value: f32): i32 {
  return i32((reinterpret<u32>(value) & 0x7f80_0000) !== 0x7f80_0000);
}

/** Marks the sign bit of the lanes of two float32 that are NaN or infinite. */
function marked(signs: v128, two: v128): v128 {
  const exponents = v128.and(two, i32x4.splat(0x7f80_0000));
  return v128.or(signs, i32x4.add(exponents, i32x4.splat(0x0080_0000)));
}

function two(address: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(address));
}

/**
 * One step of Adam. `keep` is the decoupled decay's factor, `coupled` the factor of a decay that is part of the gradient.
 * Returns 1 when all new parameters are finite.
 */
export function adam(
  parameters: usize,
  into: usize,
  gradient: usize,
  m: usize,
  v: usize,
  count: i32,
  scale: f64,
  coupled: f64,
  keep: f64,
  beta1: f64,
  gain1: f64,
  beta2: f64,
  gain2: f64,
  stepSize: f64,
  inverseRoot2: f64,
  epsilon: f64,
): i32 {
  const scales = f64x2.splat(scale);
  const coupleds = f64x2.splat(coupled);
  const keeps = f64x2.splat(keep);
  const betas1 = f64x2.splat(beta1);
  const gains1 = f64x2.splat(gain1);
  const betas2 = f64x2.splat(beta2);
  const gains2 = f64x2.splat(gain2);
  const stepSizes = f64x2.splat(stepSize);
  const inverseRoots2 = f64x2.splat(inverseRoot2);
  const epsilons = f64x2.splat(epsilon);
  let signs = i32x4.splat(0);
  let i: i32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at: usize = (<usize>i) << 2;
    const parameter = two(parameters + at);
    const g = f64x2.add(f64x2.mul(two(gradient + at), scales), f64x2.mul(coupleds, parameter));
    const mean = f64x2.add(f64x2.mul(betas1, two(m + at)), f64x2.mul(gains1, g));
    const square = f64x2.add(f64x2.mul(betas2, two(v + at)), f64x2.mul(f64x2.mul(gains2, g), g));
    v128.store64_lane(m + at, f32x4.demote_f64x2_zero(mean), 0);
    v128.store64_lane(v + at, f32x4.demote_f64x2_zero(square), 0);
    const denominator = f64x2.add(f64x2.mul(f64x2.sqrt(square), inverseRoots2), epsilons);
    const change = f64x2.div(f64x2.mul(stepSizes, mean), denominator);
    const next = f32x4.demote_f64x2_zero(f64x2.sub(f64x2.mul(keeps, parameter), change));
    v128.store64_lane(into + at, next, 0);
    signs = marked(signs, next);
  }
  let areFinite: i32 = isFiniteMark(signs);
  if (i < count) {
    const at: usize = (<usize>i) << 2;
    const parameter: f64 = <f64>load<f32>(parameters + at);
    const g: f64 = <f64>load<f32>(gradient + at) * scale + coupled * parameter;
    const mean: f64 = beta1 * <f64>load<f32>(m + at) + gain1 * g;
    const square: f64 = beta2 * <f64>load<f32>(v + at) + gain2 * g * g;
    store<f32>(m + at, <f32>mean);
    store<f32>(v + at, <f32>square);
    const denominator: f64 = sqrt<f64>(square) * inverseRoot2 + epsilon;
    const next: f32 = <f32>(keep * parameter - (stepSize * mean) / denominator);
    store<f32>(into + at, next);
    areFinite &= isFiniteValue(next);
  }
  return areFinite;
}

/** One step of SGD without momentum. Returns 1 when all new parameters are finite. */
export function sgd(
  parameters: usize,
  into: usize,
  gradient: usize,
  count: i32,
  scale: f64,
  decay: f64,
  learningRate: f64,
): i32 {
  const scales = f64x2.splat(scale);
  const decays = f64x2.splat(decay);
  const rates = f64x2.splat(learningRate);
  let signs = i32x4.splat(0);
  let i: i32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at: usize = (<usize>i) << 2;
    const parameter = two(parameters + at);
    const speed = f64x2.add(f64x2.mul(two(gradient + at), scales), f64x2.mul(decays, parameter));
    const next = f32x4.demote_f64x2_zero(f64x2.sub(parameter, f64x2.mul(rates, speed)));
    v128.store64_lane(into + at, next, 0);
    signs = marked(signs, next);
  }
  let areFinite: i32 = isFiniteMark(signs);
  if (i < count) {
    const at: usize = (<usize>i) << 2;
    const parameter: f64 = <f64>load<f32>(parameters + at);
    const speed: f64 = <f64>load<f32>(gradient + at) * scale + decay * parameter;
    const next: f32 = <f32>(parameter - learningRate * speed);
    store<f32>(into + at, next);
    areFinite &= isFiniteValue(next);
  }
  return areFinite;
}

/** One step of SGD with momentum. Returns 1 when all new parameters are finite. */
export function sgdMomentum(
  parameters: usize,
  into: usize,
  gradient: usize,
  velocity: usize,
  count: i32,
  scale: f64,
  decay: f64,
  learningRate: f64,
  momentum: f64,
): i32 {
  const scales = f64x2.splat(scale);
  const decays = f64x2.splat(decay);
  const rates = f64x2.splat(learningRate);
  const momenta = f64x2.splat(momentum);
  let signs = i32x4.splat(0);
  let i: i32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at: usize = (<usize>i) << 2;
    const parameter = two(parameters + at);
    const g = f64x2.add(f64x2.mul(two(gradient + at), scales), f64x2.mul(decays, parameter));
    const speed = f64x2.add(g, f64x2.mul(momenta, two(velocity + at)));
    v128.store64_lane(velocity + at, f32x4.demote_f64x2_zero(speed), 0);
    const next = f32x4.demote_f64x2_zero(f64x2.sub(parameter, f64x2.mul(rates, speed)));
    v128.store64_lane(into + at, next, 0);
    signs = marked(signs, next);
  }
  let areFinite: i32 = isFiniteMark(signs);
  if (i < count) {
    const at: usize = (<usize>i) << 2;
    const parameter: f64 = <f64>load<f32>(parameters + at);
    const g: f64 = <f64>load<f32>(gradient + at) * scale + decay * parameter;
    const speed: f64 = g + momentum * <f64>load<f32>(velocity + at);
    store<f32>(velocity + at, <f32>speed);
    const next: f32 = <f32>(parameter - learningRate * speed);
    store<f32>(into + at, next);
    areFinite &= isFiniteValue(next);
  }
  return areFinite;
}
