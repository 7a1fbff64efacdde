/** @file Which settings decide the numbers of a run: one that is new has to be put on one side. */
import { expect, it } from 'vitest';
import { explainConfig } from '../../../../shared/config/explain.ts';
import { decidesNumbers, samplesFingerprint } from '../../../../shared/config/fingerprint.ts';
import { smallConfig } from '../../../support/config.ts';

it('are all but those of where, when and with what it is computed', () => {
  const paths = explainConfig().map(({ path }) => path);
  const section = (path: string) => path.split('.')[0] as string;
  const deciding = new Set(paths.filter(decidesNumbers).map(section));
  const others = paths.filter((path) => !decidesNumbers(path));
  expect([...deciding]).toMatchInlineSnapshot(`
    [
      "seed",
      "data",
      "model",
      "training",
      "compute",
      "exchange",
    ]
  `);
  expect(others.filter((path) => deciding.has(section(path)))).toMatchInlineSnapshot(`
    [
      "data.path",
      "data.access",
      "data.links",
      "data.onBadImage",
      "data.cacheBytes",
      "training.cacheFeatures",
      "compute.threads",
      "compute.devices",
    ]
  `);
  expect(
    [...new Set(others.map(section))].filter((one) => !deciding.has(one)),
  ).toMatchInlineSnapshot(`
    [
      "name",
      "evaluation",
      "checkpoint",
      "cluster",
      "worker",
      "observe",
      "limits",
    ]
  `);
});

it.each([
  ['path', '/elsewhere'],
  ['links', 'follow'],
  ['cacheBytes', 1],
  ['onBadImage', 'fail'],
  ['channels', 3],
  ['testFraction', 0.5],
  ['augment', { flip: true }],
])('data.%s is on the side that the fingerprint of samples has it on', (option, value) => {
  const { data, ...rest } = smallConfig({});
  const changed = { ...rest, data: { ...data, [option]: value } } as typeof rest & {
    data: typeof data;
  };
  const isOther = samplesFingerprint(changed) !== samplesFingerprint(smallConfig({}));
  expect(decidesNumbers(`data.${option}`)).toBe(isOther);
});
