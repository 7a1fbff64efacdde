/** @file Canonical JSON, settings and configs under anything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainConfig } from '../../shared/config/explain.ts';
import { canonicalJson } from '../../shared/config/fingerprint.ts';
import { configSchema } from '../../shared/config/schema.ts';
import { readSettings, splitSettings } from '../../shared/config/settings.ts';
import { nearest } from '../../shared/core/nearest.ts';

/** The same value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).map(([key, part]) => [key, reversed(part)] as const);
  return Object.fromEntries(pairs.reverse());
}

describe('canonical JSON', () => {
  it('parses to the same value, and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(JSON.parse(JSON.stringify(value))))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

const configs = fc.record({
  name: fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/),
  seed: fc.nat(),
  data: fc.record({
    source: fc.constantFrom('mnist', 'idx', 'image-folder'),
    path: fc.string(),
    mean: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 1,
      maxLength: 3,
    }),
    cacheBytes: fc.constantFrom('1MiB', '1.5 GiB', 4096),
  }),
  model: fc.record({
    variant: fc.constantFrom('Ti/16', 'H/14'),
    imageSize: fc.integer({ min: 1, max: 16_384 }),
  }),
  training: fc.record({
    epochs: fc.integer({ min: 1 }),
    batchSize: fc.integer({ min: 1 }),
    microBatch: fc.integer({ min: 1 }),
    optimizer: fc.record({ learningRate: fc.double({ min: 1e-12, max: 10, noNaN: true }) }),
  }),
});

describe('a config', () => {
  it('printed as JSON and parsed again is the same: what a worker gets is what the coordinator has', () => {
    fc.assert(
      fc.property(configs, (input) => {
        const config = configSchema.parse(input);
        const again = configSchema.parse(JSON.parse(JSON.stringify(config)));
        expect(canonicalJson(again)).toBe(canonicalJson(config));
      }),
      { numRuns: 100 },
    );
  });
});

describe('settings', () => {
  const paths = explainConfig().map(({ path }) => path);
  const values = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('adamw', 'B/16', 'a b'),
    fc.array(fc.integer(), { maxLength: 3 }),
  );

  it('written with commas between are read one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), values)), (pairs) => {
        const text = pairs.map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(', ');
        const { settings, problems } = readSettings(splitSettings(text), 'env');
        expect(problems).toEqual([]);
        expect(settings.map(({ path, value }) => [path.join('.'), value])).toEqual(pairs);
      }),
      { numRuns: 100 },
    );
  });

  it('are read or refused, whatever they are; nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (path, value) => {
        const { settings, problems } = readSettings([`${path}=${value}`], 'flag');
        expect(settings.length + problems.length).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('did you mean', () => {
  it('one slip of the finger in a long name is found', () => {
    const names = ['learningRate', 'weightDecay', 'microBatch', 'warmupSteps', 'labelSmoothing'];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom('', 'x'),
        (name, at, slip) => {
          const place = at % name.length;
          expect(nearest(name.slice(0, place) + slip + name.slice(place + 1), names)).toBe(name);
        },
      ),
      { numRuns: 100 },
    );
  });
});
