/**
 * @file Healthy runs raise no alarm: recorded ones from any step on, with other losses as other seeds would have, and
 * made ones that learn. Whatever the numbers are, each alarm begins, then ends, and is not said too often.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AlarmFacts, AlarmInput } from '../../shared/runs/alarms/alarm.ts';
import { noise, raisedBy, step } from '../support/alarm-curves.ts';

interface Curve extends Omit<AlarmFacts, 'keptCheckpoints'> {
  readonly steps: readonly (readonly [number, number, number, number])[];
  readonly evaluations: readonly (readonly [number, number, 'validation', number, number])[];
}

/** Curves of two configs of the package, seed 42, as they were recorded. */
const CURVES = ['quickstart', 'fashion-mnist'].map((name): Curve => {
  const file = new URL(`../fixtures/curves/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Curve;
});

function inputsOf(curve: Curve, from: number, factorAt: (step: number) => number): AlarmInput[] {
  return curve.steps.flatMap(([loss, accuracy, learningRate, gradientNorm], at): AlarmInput[] => {
    const number = at + 1;
    if (number <= from) return [];
    const factor = factorAt(number);
    const evaluated = curve.evaluations.filter(([, atStep]) => atStep === number);
    return [
      step(number, {
        ...{ loss: loss * factor, accuracy, learningRate },
        gradientNorm: gradientNorm * factor,
      }),
      ...evaluated.map(([version, atStep, split, evaluationLoss, evaluationAccuracy]) => ({
        ...({ type: 'evaluation', split, version, atStep, epoch: 1 } as const),
        ...{ loss: evaluationLoss, accuracy: evaluationAccuracy },
      })),
    ];
  });
}

it('a recorded run raises none, wherever it was resumed and whatever its batches were', () => {
  const cases = fc.record({
    curve: fc.constantFrom(...CURVES),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    scatter: fc.double({ min: 0, max: 0.3, noNaN: true }),
    seed: fc.nat(1e6),
  });
  fc.assert(
    fc.property(cases, ({ curve, from, scatter, seed }) => {
      const first = Math.floor(from * curve.steps.length);
      const inputs = inputsOf(curve, first, (at) => 1 + scatter * noise(at + seed));
      expect(raisedBy(inputs, { ...curve, keptCheckpoints: 3 }, 200)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

it('a run that learns raises none, fast or slow, with many classes or two', () => {
  const cases = fc.record({
    numClasses: fc.constantFrom(2, 10, 1000),
    totalSteps: fc.integer({ min: 50, max: 4000 }),
    // At half of what guessing has, a run that has stopped to learn would be an alarm.
    rest: fc.double({ min: 0, max: 0.45, noNaN: true }),
    pace: fc.double({ min: 3, max: 50, noNaN: true }),
    scatter: fc.double({ min: 0, max: 0.2, noNaN: true }),
    seed: fc.nat(1e6),
  });
  fc.assert(
    fc.property(cases, ({ numClasses, totalSteps, rest, pace, scatter, seed }) => {
      const chance = Math.log(numClasses);
      const inputs = Array.from({ length: totalSteps }, (_, at) => {
        const done = at / totalSteps;
        const mean = chance * (rest + (1 - rest) * Math.exp(-pace * done));
        return step(at + 1, {
          loss: mean * (1 + scatter * noise(at + seed)),
          learningRate: Math.min(at / 50, 1) * (1 + Math.cos(Math.PI * done)),
          gradientNorm: (0.1 + done) * (1 + 5 * scatter * noise(at + 7 * seed) ** 2),
        });
      });
      const facts = { numClasses, totalSteps, stepsPerEpoch: 100, keptCheckpoints: 3 };
      expect(raisedBy(inputs, facts, 200)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

it('whatever the numbers are, an alarm begins before it ends, and is not said more than once in ten minutes', () => {
  const value = fc.oneof(
    fc.double(),
    fc.constantFrom(0, 1, 2.3, Number.NaN, Number.POSITIVE_INFINITY, -1),
  );
  const runs = fc.array(fc.record({ loss: value, gradientNorm: value, times: fc.nat(150) }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(runs, (parts) => {
      let number = 0;
      const inputs = parts.flatMap(({ times, ...of }) =>
        Array.from({ length: times }, () => step(++number, of)),
      );
      const facts = { numClasses: 10, totalSteps: 1e5, stepsPerEpoch: 10, keptCheckpoints: 1 };
      const said = raisedBy(inputs, facts, 1000);
      const names = new Set(said.map((one) => one.split(' ')[0]));
      for (const name of names) {
        const own = said.filter((one) => one.startsWith(`${name} `));
        expect(own.every((one, at) => one.endsWith(at % 2 === 0 ? 'raised' : 'over'))).toBe(true);
        const begun = own.filter((one) => one.endsWith('raised')).length;
        expect(begun).toBeLessThanOrEqual(1 + number / 600);
      }
    }),
    { numRuns: 50 },
  );
});
