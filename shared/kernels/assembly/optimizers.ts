/**
 * @file AdamW, Adam and SGD over a run of one tensor: float64 within an element, as in shared/training/optimizer.ts.
 *
 * Four elements at a time, two in a register. There is no fused multiply-add in WebAssembly's SIMD, so each operation
 * rounds as in JavaScript. Loops end with their condition: V8 then makes constants before the loop, else in each round.
 */

/** 1 where no value whose bits came in had an exponent of all ones. */
function isFiniteMark(signs: v128): i32 {
  return i32(i32x4.bitmask(signs) === 0);
}

function isFiniteValue(value: f32): i32 {
  return i32((reinterpret<u32>(value) & 0x7f80_0000) !== 0x7f80_0000);
}

/** Marks the sign bit of the lanes of four float32 that are NaN or infinite. */
function marked(signs: v128, four: v128): v128 {
  const exponents = v128.and(four, i32x4.splat(0x7f80_0000));
  return v128.or(signs, i32x4.add(exponents, i32x4.splat(0x0080_0000)));
}

function two(address: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(address));
}

/** Two pairs of float64 as four float32. */
function four(left: v128, right: v128): v128 {
  const low = f32x4.demote_f64x2_zero(left);
  const high = f32x4.demote_f64x2_zero(right);
  return i8x16.shuffle(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
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
  if (count >= 4) {
    do {
      const at: usize = (<usize>i) << 2;
      const parameters0 = two(parameters + at);
      const parameters1 = two(parameters + at + 8);
      const decays0 = f64x2.mul(coupleds, parameters0);
      const decays1 = f64x2.mul(coupleds, parameters1);
      const g0 = f64x2.add(f64x2.mul(two(gradient + at), scales), decays0);
      const g1 = f64x2.add(f64x2.mul(two(gradient + at + 8), scales), decays1);
      const means0 = f64x2.add(f64x2.mul(betas1, two(m + at)), f64x2.mul(gains1, g0));
      const means1 = f64x2.add(f64x2.mul(betas1, two(m + at + 8)), f64x2.mul(gains1, g1));
      const powers0 = f64x2.mul(f64x2.mul(gains2, g0), g0);
      const powers1 = f64x2.mul(f64x2.mul(gains2, g1), g1);
      const squares0 = f64x2.add(f64x2.mul(betas2, two(v + at)), powers0);
      const squares1 = f64x2.add(f64x2.mul(betas2, two(v + at + 8)), powers1);
      v128.store(m + at, four(means0, means1));
      v128.store(v + at, four(squares0, squares1));
      const roots0 = f64x2.add(f64x2.mul(f64x2.sqrt(squares0), inverseRoots2), epsilons);
      const roots1 = f64x2.add(f64x2.mul(f64x2.sqrt(squares1), inverseRoots2), epsilons);
      const changes0 = f64x2.div(f64x2.mul(stepSizes, means0), roots0);
      const changes1 = f64x2.div(f64x2.mul(stepSizes, means1), roots1);
      const next0 = f64x2.sub(f64x2.mul(keeps, parameters0), changes0);
      const next1 = f64x2.sub(f64x2.mul(keeps, parameters1), changes1);
      const next = four(next0, next1);
      v128.store(into + at, next);
      signs = marked(signs, next);
      i += 4;
    } while (i + 4 <= count);
  }
  let areFinite: i32 = isFiniteMark(signs);
  for (; i < count; i += 1) {
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
  if (count >= 4) {
    do {
      const at: usize = (<usize>i) << 2;
      const parameters0 = two(parameters + at);
      const parameters1 = two(parameters + at + 8);
      const decays0 = f64x2.mul(decays, parameters0);
      const decays1 = f64x2.mul(decays, parameters1);
      const speeds0 = f64x2.add(f64x2.mul(two(gradient + at), scales), decays0);
      const speeds1 = f64x2.add(f64x2.mul(two(gradient + at + 8), scales), decays1);
      const next0 = f64x2.sub(parameters0, f64x2.mul(rates, speeds0));
      const next1 = f64x2.sub(parameters1, f64x2.mul(rates, speeds1));
      const next = four(next0, next1);
      v128.store(into + at, next);
      signs = marked(signs, next);
      i += 4;
    } while (i + 4 <= count);
  }
  let areFinite: i32 = isFiniteMark(signs);
  for (; i < count; i += 1) {
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
  if (count >= 4) {
    do {
      const at: usize = (<usize>i) << 2;
      const parameters0 = two(parameters + at);
      const parameters1 = two(parameters + at + 8);
      const decays0 = f64x2.mul(decays, parameters0);
      const decays1 = f64x2.mul(decays, parameters1);
      const g0 = f64x2.add(f64x2.mul(two(gradient + at), scales), decays0);
      const g1 = f64x2.add(f64x2.mul(two(gradient + at + 8), scales), decays1);
      const speeds0 = f64x2.add(g0, f64x2.mul(momenta, two(velocity + at)));
      const speeds1 = f64x2.add(g1, f64x2.mul(momenta, two(velocity + at + 8)));
      v128.store(velocity + at, four(speeds0, speeds1));
      const next0 = f64x2.sub(parameters0, f64x2.mul(rates, speeds0));
      const next1 = f64x2.sub(parameters1, f64x2.mul(rates, speeds1));
      const next = four(next0, next1);
      v128.store(into + at, next);
      signs = marked(signs, next);
      i += 4;
    } while (i + 4 <= count);
  }
  let areFinite: i32 = isFiniteMark(signs);
  for (; i < count; i += 1) {
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
