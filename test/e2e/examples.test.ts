/** @file The example projects compile strictly against the package, run, and end by themselves; the library says nothing. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { expect, inject, it } from 'vitest';
import { scratchFolder, WatchedProcess } from '../support/cluster.ts';
import { fixturePath } from '../support/weights.ts';

const REPO = resolve(import.meta.dirname, '../..');
const TSC = join(REPO, 'node_modules/typescript/bin/tsc');
const scratch = scratchFolder();

/** A copy of an example and more files, with this checkout's build as its package, compiled. */
async function built(name: string, more: Record<string, string> = {}): Promise<string> {
  const folder = join(scratch, name);
  cpSync(join(REPO, 'examples', name), folder, { recursive: true });
  for (const [file, text] of Object.entries(more)) writeFileSync(join(folder, file), text);
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(REPO, join(folder, 'node_modules/tessera-train'), 'dir');
  symlinkSync(
    join(REPO, 'node_modules/@types/node'),
    join(folder, 'node_modules/@types/node'),
    'dir',
  );
  const compiled = await new WatchedProcess([process.execPath, TSC], { cwd: folder }).ended;
  expect(compiled.stdout + compiled.stderr).toBe('');
  expect(compiled.code).toBe(0);
  return folder;
}

/** Runs a compiled example to its own end. */
async function run(folder: string, args: readonly string[]) {
  return await new WatchedProcess([process.execPath, 'dist/main.js', ...args], {
    cwd: folder,
    env: { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), NODE_OPTIONS: '' },
  }).ended;
}

it('predict-in-node: what images show, from bytes, and features', async () => {
  const folder = await built('predict-in-node');
  const create = { width: 20, height: 16, channels: 3, background: '#48a' } as const;
  await sharp({ create }).png().toFile(join(folder, 'blue.png'));
  const ended = await run(folder, [fixturePath('huggingface.f32'), 'blue.png']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^blue\.png\n( +\d+\.\d % {2}\S.*\n){3}features: \d+ values\n$/);
  writeFileSync(join(folder, 'junk.png'), 'junk');
  const refused = await run(folder, [fixturePath('huggingface.f32'), 'junk.png']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^DATA_INVALID: cannot decode image 1: .*\n$/);
  // ONNX Runtime would have written its store of events there.
  expect(existsSync(join(folder, '.local'))).toBe(false);
});

it('train-from-code: events, a result, and a model that predicts', async () => {
  const page = readFileSync(join(REPO, 'docs/api.md'), 'utf8');
  const code = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block).join('');
  expect(code).toContain('openModel(');
  // The page's code compiles too, as one module.
  const folder = await built('train-from-code', { 'src/page.ts': code });
  const ended = await run(folder, [inject('smallDigits')]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(
    /^(step \d+: loss \d\.\d{3}\n)+runs\/digits-\S+: \d+\.\d % of the test images/,
  );
  expect(ended.stdout).toMatch(/\na black image is taken for \d\n$/);
});
