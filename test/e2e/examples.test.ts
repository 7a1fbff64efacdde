/** @file The example projects and the code of docs/api.md compile strictly against the package; the examples run and end. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, inject, it } from 'vitest';
import { scratchFolder, WatchedProcess } from '../support/cluster.ts';
import { fixturePath } from '../support/weights.ts';

const REPO = resolve(import.meta.dirname, '../..');
const EXAMPLES = ['predict-in-node', 'train-from-code'] as const;
const folder = join(scratchFolder(), 'project');

/** The examples in one project, since TypeScript reads the types of the package once then; this checkout's build is the package. */
beforeAll(async () => {
  cpSync(join(REPO, 'examples', EXAMPLES[0]), folder, { recursive: true });
  for (const name of EXAMPLES) {
    const example = join(REPO, 'examples', name);
    cpSync(join(example, 'src/main.ts'), join(folder, 'src', `${name}.ts`));
    expect(readFileSync(join(example, 'tsconfig.json'), 'utf8')).toBe(
      readFileSync(join(folder, 'tsconfig.json'), 'utf8'),
    );
  }
  rmSync(join(folder, 'src/main.ts'));
  const page = readFileSync(join(REPO, 'docs/api.md'), 'utf8');
  const code = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block).join('');
  expect(code).toContain('openModel(');
  writeFileSync(join(folder, 'src/page.ts'), code);
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(REPO, join(folder, 'node_modules/tessera-train'), 'dir');
  symlinkSync(join(REPO, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  const tsc = [process.execPath, join(REPO, 'node_modules/typescript/bin/tsc')];
  const compiled = await new WatchedProcess(tsc, { cwd: folder }).ended;
  expect(compiled).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

/** Runs a compiled example to its own end; the library itself prints nothing. */
async function run(name: (typeof EXAMPLES)[number], args: readonly string[]) {
  return await new WatchedProcess([process.execPath, `dist/${name}.js`, ...args], {
    cwd: folder,
    env: { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), ORT_DISABLE_TELEMETRY: '0' },
  }).ended;
}

it('predict-in-node: what images show, from bytes, and features', async () => {
  const create = { width: 20, height: 16, channels: 3, background: '#48a' } as const;
  await sharp({ create }).png().toFile(join(folder, 'blue.png'));
  const ended = await run('predict-in-node', [fixturePath('huggingface.f32'), 'blue.png']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^blue\.png\n( +\d+\.\d % {2}\S.*\n){3}features: \d+ values\n$/);
  writeFileSync(join(folder, 'junk.png'), 'junk');
  const refused = await run('predict-in-node', [fixturePath('huggingface.f32'), 'junk.png']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^DATA_INVALID: cannot decode image 1: .*\n$/);
  // ONNX Runtime would have written its store of events below HOME.
  expect(existsSync(join(folder, '.local'))).toBe(false);
});

it('train-from-code: events, a result, and a model that predicts', async () => {
  const ended = await run('train-from-code', [inject('smallDigits')]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(
    /^(step \d+: loss \d\.\d{3}\n)+runs\/digits-\S+: \d+\.\d % of the test images/,
  );
  expect(ended.stdout).toMatch(/\na black image is taken for \d\n$/);
});
