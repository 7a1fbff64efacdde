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
import { readRun } from '../../shared/runs/reader/read.ts';
import { hasChromium, openPage, serveFolders } from '../support/chromium.ts';
import { scratchFolder, TesseraProcess, tessera, WatchedProcess } from '../support/cluster.ts';
import { longIt, runsAllProofs } from '../support/proofs.ts';
import { fixturePath } from '../support/weights.ts';

const REPO = resolve(import.meta.dirname, '../..');
const EXAMPLES = [
  'predict-in-node',
  'train-from-code',
  'predict-with-export',
  'serve-client',
] as const;
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
  const code = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block as string);
  const isOfBlocks = (block: string) => /\bblocks\./.test(block);
  const others = code.filter((block) => !isOfBlocks(block)).join('');
  expect(others).toContain('openModel(');
  writeFileSync(join(folder, 'src/page.ts'), others);
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(REPO, join(folder, 'node_modules/tessera-train'), 'dir');
  symlinkSync(join(REPO, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  const args = ['export', fixturePath('huggingface.f32'), '--to', 'node', '--out', 'my-model'];
  const exported = await tessera(args, { cwd: join(folder, 'node_modules') });
  expect(exported, exported.stderr).toMatchObject({ code: 0 });
  for (const name of ['onnxruntime-node', 'onnxruntime-common', 'sharp']) {
    symlinkSync(join(REPO, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const create = { width: 20, height: 16, channels: 3, background: '#48a' } as const;
  await sharp({ create }).png().toFile(join(folder, 'blue.png'));
  writeFileSync(join(folder, 'junk.png'), 'junk');
  const tsc = [process.execPath, join(REPO, 'node_modules/typescript/bin/tsc')];
  const compiled = await new WatchedProcess(tsc, { cwd: folder }).ended;
  expect(compiled).toMatchObject({ code: 0, stdout: '', stderr: '' });
  // The declarations of TensorFlow.js contradict those of TypeScript's DOM.
  const loop = readFileSync(join(REPO, 'examples/own-training-loop/src/main.ts'), 'utf8');
  writeFileSync(join(folder, 'src/own-training-loop.ts'), loop);
  writeFileSync(join(folder, 'src/blocks.ts'), code.filter(isOfBlocks).join(''));
  const lenient = [...tsc, '--skipLibCheck'];
  const withBlocks = await new WatchedProcess(lenient, { cwd: folder }).ended;
  expect(withBlocks).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

/** Runs a compiled example to its own end; the library itself prints nothing. */
async function run(name: string, args: readonly string[]) {
  return await new WatchedProcess([process.execPath, `dist/${name}.js`, ...args], {
    cwd: folder,
    env: { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), ORT_DISABLE_TELEMETRY: '0' },
  }).ended;
}

it('predict-in-node: what images show, from bytes, and features', async () => {
  const ended = await run('predict-in-node', [fixturePath('huggingface.f32'), 'blue.png']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^blue\.png\n( +\d+\.\d % {2}\S.*\n){3}features: \d+ values\n$/);
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

longIt(
  'own-training-loop: in at most 30 lines the losses of train() with one worker, to 1e-5 over 20 steps',
  async () => {
    const source = readFileSync(join(REPO, 'examples/own-training-loop/src/main.ts'), 'utf8');
    expect(source.trim().split('\n').length).toBeLessThanOrEqual(30);
    const settings = [
      ...['training.epochs=1', 'data.testFraction=0.92', 'training.schedule.warmupSteps=5'],
      ...['model.depth=1', 'training.batchSize=16', 'training.microBatch=8'],
      ...['model.dropout=0.1', 'model.stochasticDepth=0.1', 'training.labelSmoothing=0.1'],
    ];
    const ended = await run('own-training-loop', settings);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const losses = [...ended.stdout.matchAll(/^step (\d+): loss (\S+), /gm)].map((line) => {
      return { step: Number(line[1]), loss: Number(line[2]) };
    });
    expect(losses).toHaveLength(20);
    const flags = ['model.width=32', ...settings].flatMap((setting) => ['--set', setting]);
    const args = ['train', 'quickstart', '--workers', '1', '--run-folder', 'theirs', ...flags];
    expect(await tessera(args, { cwd: folder })).toMatchObject({ code: 0 });
    const { metrics } = await readRun(join(folder, 'theirs'));
    for (const [at, { step, loss }] of metrics.steps.slice(0, 20).entries()) {
      expect(losses[at]?.step).toBe(step);
      expect(Math.abs(loss - (losses[at]?.loss ?? Number.NaN))).toBeLessThan(1e-5);
    }
  },
);

it('predict-with-export: what images show, without Tessera', async () => {
  const ended = await run('predict-with-export', ['blue.png']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const own = await run('predict-in-node', [fixturePath('huggingface.f32'), 'blue.png']);
  expect(own.stdout).toBe(`${ended.stdout}features: 16 values\n`);
  expect(existsSync(join(folder, '.local'))).toBe(false);
});

it('serve-client: asks a server, and shows its refusals', async () => {
  const args = ['serve', fixturePath('huggingface.f32'), '--port', '0'];
  const server = new TesseraProcess(args, { cwd: folder });
  const [, url = ''] = await server.printed(/^(http:\S+)\n/m);
  const ended = await run('serve-client', [url, 'blue.png']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^blue\.png\n( +\d+\.\d % {2}\S.*\n){3}$/);
  const refused = await run('serve-client', [url, 'junk.png']);
  expect(refused).toMatchObject({ code: 1, stdout: 'junk.png\n' });
  expect(refused.stderr).toMatch(/^DATA_INVALID: cannot decode the image: .*\n$/);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
});

it.skipIf(!hasChromium || !runsAllProofs)(
  'transformers-js-page: classifies a photo in Chromium',
  async () => {
    const path = fixturePath('huggingface.f32');
    const args = ['export', path, '--to', 'transformers.js', '--out', 'models/my-model'];
    expect(await tessera(args, { cwd: folder })).toMatchObject({ code: 0 });
    const html = readFileSync(join(REPO, 'examples/transformers-js-page/index.html'), 'utf8');
    const folders = { models: join(folder, 'models'), node_modules: join(REPO, 'node_modules') };
    const { page, strayed, faults } = await openPage(await serveFolders(folders, { '/': html }));
    await page.locator('#file:enabled').waitFor();
    await page.locator('#file').setInputFiles(join(folder, 'blue.png'));
    await page.locator('li').first().waitFor();
    expect(await page.locator('li').allTextContents()).toEqual([
      expect.stringMatching(/ \d+\.\d %$/),
      expect.stringMatching(/ \d+\.\d %$/),
      expect.stringMatching(/ \d+\.\d %$/),
    ]);
    expect({ strayed, faults }).toEqual({ strayed: [], faults: [] });
  },
);
