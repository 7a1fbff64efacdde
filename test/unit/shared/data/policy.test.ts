/** @file TrivialAugment and RandAugment against torchvision, and what decides them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../../shared/config/schema.ts';
import { eraseRandomly } from '../../../../shared/data/pipeline/erasing.ts';
import {
  OPERATIONS,
  type OperationName,
} from '../../../../shared/data/pipeline/pixel-operations.ts';
import { applyPolicy, planPolicy } from '../../../../shared/data/pipeline/policy.ts';

interface Fixture {
  size: number;
  image: string;
  operations: { operation: OperationName; strength: number; pixels: string }[];
}

const path = join(import.meta.dirname, '../../../fixtures/augment/augment.json');
const fixture: Fixture = JSON.parse(readFileSync(path, 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const image = { pixels: bytes(fixture.image), size: fixture.size, channels: 3 };
const augmentOf = (augment: object) =>
  configSchema.shape.data.parse({ source: 'mnist', augment }).augment;
const place = (index: number, epoch = 0) => ({ seed: 3, epoch, index, imageSize: fixture.size });

describe('operations are those of torchvision', () => {
  it.each(fixture.operations)('$operation, $strength', ({ operation, strength, pixels }) => {
    const before = image.pixels.slice();
    const ours = OPERATIONS[operation](image, strength);
    const theirs = bytes(pixels);
    const difference = ours.map((value, i) => Math.abs(value - (theirs[i] as number)));
    // Exact but for factors that float32 cannot hold: there a level may be cut the other way.
    // A turn by 45 degrees samples at the borders of pixels, and a neighbour may be taken.
    if (operation !== 'rotate') expect(Math.max(...difference)).toBeLessThanOrEqual(1);
    expect(difference.filter((d) => d > 0).length).toBeLessThan(0.01 * ours.length);
    expect(image.pixels).toEqual(before);
  });

  it.each(Object.keys(OPERATIONS) as OperationName[])(
    '%s leaves the sample as it is, a Buffer too',
    (name) => {
      // Samples from the coordinator are Buffers, whose slice is a view; a changed one would spoil every later epoch.
      const pixels = Buffer.from(image.pixels);
      OPERATIONS[name]({ ...image, pixels }, 0.9);
      expect(new Uint8Array(pixels)).toEqual(image.pixels);
    },
  );

  it('work on grey images too', () => {
    const grey = { pixels: image.pixels.slice(0, 400), size: 20, channels: 1 };
    for (const name of Object.keys(OPERATIONS) as OperationName[]) {
      expect(OPERATIONS[name](grey, 1), name).toHaveLength(400);
    }
  });
});

describe('a policy', () => {
  it('none does nothing; trivial does one thing; rand as many as it is told', () => {
    expect(planPolicy(augmentOf({}), place(1))).toEqual([]);
    expect(planPolicy(augmentOf({ policy: 'trivial' }), place(1))).toHaveLength(1);
    expect(planPolicy(augmentOf({ policy: 'rand', randOps: 3 }), place(1))).toHaveLength(3);
  });

  it('uses every operation, in both directions, and differs from epoch to epoch', () => {
    const augment = augmentOf({ policy: 'trivial' });
    const steps = Array.from({ length: 2000 }, (_, i) => planPolicy(augment, place(i))).flat();
    expect(new Set(steps.map(({ operation }) => operation)).size).toBe(14);
    const rotations = steps.filter(({ operation }) => operation === 'rotate');
    expect(rotations.some(({ strength }) => strength > 90)).toBe(true);
    expect(rotations.some(({ strength }) => strength < -90)).toBe(true);
    expect(planPolicy(augment, place(5))).toEqual(planPolicy(augment, place(5)));
    const epochs = [0, 1, 2, 3].map((epoch) =>
      JSON.stringify(planPolicy(augment, place(5, epoch))),
    );
    expect(new Set(epochs).size).toBeGreaterThan(2);
  });

  it('of RandAugment has the strengths of torchvision at magnitude 9', () => {
    const augment = augmentOf({ policy: 'rand', randOps: 1 });
    const all = Array.from({ length: 1000 }, (_, i) => planPolicy(augment, place(i))).flat();
    const strength = (name: OperationName) =>
      Math.abs(all.find(({ operation }) => operation === name)?.strength ?? Number.NaN);
    expect(strength('rotate')).toBeCloseTo(9, 10);
    expect(strength('shearX')).toBeCloseTo(0.09, 10);
    expect(strength('solarize')).toBeCloseTo(178.5, 10);
    expect(strength('posterize')).toBe(7);
    expect(applyPolicy(image.pixels, image.size, all.slice(0, 3))).toHaveLength(1200);
  });
});

describe('random erasing', () => {
  it('paints over a part of some images, the same part in every channel', () => {
    const sizes: number[] = [];
    for (let index = 0; index < 200; index += 1) {
      const values = new Float32Array(3 * 400).fill(1);
      eraseRandomly(values, 20, 0.25, place(index));
      const erased = values.filter((value) => value === 0).length;
      if (erased > 0) sizes.push(erased / 1200);
      expect(values.slice(0, 400)).toEqual(values.slice(800));
    }
    expect(sizes.length).toBeGreaterThan(30);
    expect(sizes.length).toBeLessThan(70);
    expect(Math.min(...sizes)).toBeGreaterThan(0.01);
    expect(Math.max(...sizes)).toBeLessThan(0.36);
  });
});
