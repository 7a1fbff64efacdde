/** @file Configs that are modules, or objects of a program. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { defineConfig } from '../../../../index.ts';
import { loadConfig, loadObject } from '../../../../shared/config/load.ts';
import { errorOf } from '../../../support/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-modules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const written = defineConfig({
  name: 'digits',
  data: { source: 'mnist', channels: 1 },
  model: { imageSize: 28, patchSize: 7, width: 64, depth: 4, heads: 4 },
  training: { epochs: 1, batchSize: 128, microBatch: 32, optimizer: { learningRate: 1e-3 } },
});

function moduleOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

it('a module exports a config, which settings change and whose folder is that of its paths', async () => {
  const idx = { ...written, data: { source: 'idx', path: './set', channels: 1 } };
  const text = JSON.stringify(idx);
  const path = moduleOf('a.mjs', `export default ${text};`);
  const loaded = await loadConfig(path, { set: ['seed=7'], env: {} });
  expect(loaded).toMatchObject({ path, baseFolder: folder, config: { name: 'digits', seed: 7 } });
  expect(loaded.config.data.path).toBe(join(folder, 'set'));
  const named = await loadConfig(moduleOf('b.mjs', `export const config = ${text};`), { env: {} });
  expect(named.config.model).toEqual(loaded.config.model);
});

it('an object of a program is completed like a file', () => {
  const { config, origins } = loadObject(written);
  expect(config.training.batchSize).toBe(128);
  expect(config.cluster.heartbeatMs).toBe(1000);
  expect([origins.get('name'), origins.get('seed')]).toEqual(['file', 'default']);
  const idx = { ...written, data: { source: 'idx', path: 'set' } } as const;
  expect(loadObject(idx).config.data.path).toBe(resolve('set'));
  expect(() => loadObject({ ...written, seed: -1 })).toThrow(/config.*seed|seed.*config/);
});

it.each([
  ['throws.mjs', 'throw new Error("no luck");', /cannot import \S+throws\.mjs: no luck/],
  ['empty.mjs', 'export const other = {};', /exports no config/],
  [
    'function.mjs',
    `export default { ...${JSON.stringify(written)}, seed: () => 1 };`,
    /function\.mjs: \(\) => 1 could not be cloned/,
  ],
])('%s is refused', async (name, text, sentence) => {
  const error = await errorOf(loadConfig(moduleOf(name, text), { env: {} }));
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.sentence).toMatch(sentence);
});
