/** @file Pixels that come to the device as halves or bytes: what is computed of them. */
import { describe, expect, it } from 'vitest';
import { compileProgram, type EngineChoice } from '../../../../shared/compute/engines/registry.ts';
import type { LeafInputs, ProgramSpec } from '../../../../shared/compute/program.ts';
import { fromHalves, toHalves } from '../../../../shared/core/floats.ts';
import { backboneSize, parameterTable } from '../../../../shared/model/parameters.ts';
import {
  CPU_COMPILED,
  CPU_EAGER,
  randomLeaf,
  randomParameters,
  relativeL2,
  SMALL_SPEC,
} from '../../../support/compute.ts';
import { lacksXlaCpu } from '../../../support/xla.ts';

const MEAN = [0.4, 0.5, 0.6];
const DEVIATION = [0.2];
const HALF: ProgramSpec = { ...SMALL_SPEC, transfer: { type: 'float16' } };
const BYTES: ProgramSpec = {
  ...SMALL_SPEC,
  transfer: { type: 'uint8', mean: MEAN, deviation: DEVIATION },
};
const LEAF = randomLeaf(SMALL_SPEC, 2);
const BYTE_IMAGES = Uint8Array.from(LEAF.images, (_, i) => (i * 131) & 255);
const plane = SMALL_SPEC.model.imageSize ** 2;
/** As the pipeline normalises. */
const NORMALISED = Float32Array.from(
  BYTE_IMAGES,
  (byte, i) => (byte / 255 - MEAN[Math.floor(i / plane) % 3]!) / DEVIATION[0]!,
);

async function compute(spec: ProgramSpec, images: LeafInputs['images'], choice: EngineChoice) {
  const program = await compileProgram(spec, choice);
  try {
    program.setParameters(randomParameters(parameterTable(spec.model).size, 1));
    const trained = await program.train({ ...LEAF, images });
    const { lossSum } = await program.evaluate({ ...LEAF, images });
    return { ...trained, lossSum, features: await program.features(images) };
  } finally {
    await program.dispose();
  }
}

describe.each([
  ['compiled', CPU_COMPILED],
  ['eager', CPU_EAGER],
] as const)('%s', (_name, choice) => {
  it('halves are the float32 that they stand for: the same bits', async () => {
    const halves = toHalves(LEAF.images);
    const rounded = await compute(SMALL_SPEC, fromHalves(halves), choice);
    expect(await compute(HALF, halves, choice)).toEqual(rounded);
  });

  it('bytes are normalised as the pipeline does it', async () => {
    const before = await compute(SMALL_SPEC, NORMALISED, choice);
    const after = await compute(BYTES, BYTE_IMAGES, choice);
    expect(relativeL2(after.gradient, before.gradient)).toBeLessThan(1e-6);
    expect(relativeL2(after.features, before.features)).toBeLessThan(1e-6);
    expect(after.lossSum).toBeCloseTo(before.lossSum, 4);
  });

  it('behind a frozen backbone too', async () => {
    const frozen = backboneSize(SMALL_SPEC.model);
    const before = await compute({ ...SMALL_SPEC, frozen }, NORMALISED, choice);
    const after = await compute({ ...BYTES, frozen }, BYTE_IMAGES, choice);
    expect(relativeL2(after.gradient, before.gradient)).toBeLessThan(1e-6);
  });
});

// One block: what XLA takes for a program grows with its operations.
describe.skipIf(lacksXlaCpu('pixels that come to XLA as bytes'))('xla-cpu', () => {
  const one = { model: { ...SMALL_SPEC.model, depth: 1 } };
  const parameters = randomParameters(parameterTable(one.model).size, 1);
  const train = async (spec: ProgramSpec, images: LeafInputs['images'], choice: EngineChoice) => {
    const program = await compileProgram({ ...spec, ...one }, choice);
    program.setParameters(parameters);
    const { gradient } = await program.train({ ...LEAF, images }).finally(() => program.dispose());
    return gradient;
  };

  it('bytes: the gradient of onnxruntime', async () => {
    const own = await train(BYTES, BYTE_IMAGES, { id: 'xla-cpu', threads: 1 });
    expect(relativeL2(own, await train(BYTES, BYTE_IMAGES, CPU_COMPILED))).toBeLessThan(5e-6);
  });
});
