/** @file `tessera export`: the folders alone, outside of the checkout, compute the logits of the run, in Node and in Chromium. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../../tools/inference/model.ts';
import { readModel } from '../../tools/inference/read/read-model.ts';
import { computeRows } from '../../tools/inference/rows.ts';
import { hasChromium, openPage, serveFolders } from '../support/chromium.ts';
import { scratchFolder, tessera, WatchedProcess } from '../support/cluster.ts';
import { modelFlags, photos } from '../support/photos.ts';
import { runsAllProofs } from '../support/proofs.ts';
import { distance } from '../support/weights.ts';

const MODULES = resolve(import.meta.dirname, '../../node_modules');
const LIMIT = 1e-4;
const root = scratchFolder();
let paths: readonly string[] = [];
const expected: Float32Array[] = [];
/** The input of the model for all photos, in one file. */
const pixelsPath = join(root, 'pixels.f32');
let shape: readonly number[] = [];

beforeAll(async () => {
  paths = await photos(join(root, 'photos'));
  const [path, , heads] = modelFlags as [string, string?, string?];
  const trained = await readModel(path, { heads: heads === undefined ? heads : Number(heads) });
  const model = await Model.start(trained, { batchSize: 1 });
  // One by one: threads, which many images are worth, run what was built.
  for (const path of paths) expected.push(...(await model.logits(path)));
  await model.close();
  const { channels, imageSize } = trained.model;
  shape = [paths.length, channels, imageSize, imageSize];
  const pixels = new Float32Array(shape.reduce((a, b) => a * b));
  for (const [at, path] of paths.entries()) {
    const rows = computeRows(trained, {
      numSamples: 1,
      read: async () => ({
        ...{ index: at, label: 0, name: path, raw: undefined, bytes: readFileSync(path) },
      }),
      compute: async () => new Float32Array(trained.config.training.microBatch),
    });
    for await (const row of rows) {
      if (row.error === undefined) pixels.set(row.pixels, at * row.pixels.length);
    }
  }
  writeFileSync(pixelsPath, pixels);
});

/** Exports the model to a folder of that name. */
async function exported(name: string, to: string): Promise<string> {
  const ended = await tessera(['export', ...modelFlags, '--to', to, '--out', name], { cwd: root });
  expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: `${name}\n` });
  return join(root, name);
}

/** Packages of this checkout, as if they were installed in a folder. */
function link(folder: string, packages: readonly string[]): void {
  for (const name of packages) {
    const target = join(folder, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(MODULES, name), target);
  }
}

/** Runs a module in a folder; what it prints is JSON. */
async function runModule(folder: string, code: string, args: readonly string[]) {
  writeFileSync(join(folder, 'main.mjs'), code);
  const ended = await new WatchedProcess([process.execPath, 'main.mjs', ...args], { cwd: folder })
    .ended;
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  return JSON.parse(ended.stdout);
}

const farthest = (rows: readonly ArrayLike<number>[]) =>
  Math.max(...rows.map((row, at) => distance(Object.values(row), expected[at] as Float32Array)));

describe('--to node', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await exported('for-node', 'node');
    link(folder, ['sharp', 'onnxruntime-node']);
  });

  it('passes its own test, and its types compile', async () => {
    const ended = await new WatchedProcess([process.execPath, '--test'], { cwd: folder }).ended;
    expect(ended, ended.stdout).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain('pass 1');
    // Nothing is downloaded from elsewhere than the registry when it is installed.
    const settings = readFileSync(join(folder, '.npmrc'), 'utf8');
    expect(settings).toBe('onnxruntime-node-install=skip\n');
    link(folder, ['@types/node', 'onnxruntime-common']);
    writeFileSync(
      join(folder, 'use.ts'),
      `import { type Guess, openModel } from './predict.js';
const model = await openModel();
const guesses: readonly Guess[] = await model.predict(new Uint8Array(3), 2);
console.log(guesses[0]?.class.length, model.facts.pixels.mean[0]?.toFixed(1));\n`,
    );
    const tsc = join(MODULES, 'typescript/bin/tsc');
    const flags = '--noEmit --strict --module nodenext --target es2023 --types node use.ts';
    const compiled = await new WatchedProcess([process.execPath, tsc, ...flags.split(' ')], {
      cwd: folder,
    }).ended;
    expect(compiled).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('Node: the logits of 20 photos, one by one and all at once', async () => {
    const { one, all, classes } = await runModule(
      folder,
      `import { readFile } from 'node:fs/promises';
      import { openModel } from './predict.js';
      const paths = process.argv.slice(2);
      const model = await openModel();
      const one = [];
      for (const path of paths) one.push(...(await model.logits([await readFile(path)])));
      const all = await model.logits(paths);
      const classes = (await model.predict(paths[0], 2)).map((guess) => guess.class);
      console.log(JSON.stringify({ one, all, classes }));`,
      paths,
    );
    expect(farthest(one)).toBeLessThan(LIMIT);
    expect(farthest(all)).toBeLessThan(LIMIT);
    expect(classes).toHaveLength(2);
  });

  it.skipIf(!hasChromium || !runsAllProofs)('Chromium: the same', async () => {
    const ort = '/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';
    const html = `<script type="importmap">{"imports": {"onnxruntime-web": "${ort}"}}</script>`;
    const folders = { model: folder, node_modules: MODULES, photos: '/' };
    const url = await serveFolders(folders, { '/': html });
    const { page, strayed, faults } = await openPage(url);
    const rows = await page.evaluate(
      `(async (paths) => {
        const { openModel } = await import('/model/browser.js');
        const model = await openModel();
        const rows = [];
        for (const path of paths) {
          const blob = await (await fetch('/photos' + path)).blob();
          rows.push(...(await model.logits([blob])).map((row) => [...row]));
        }
        return rows;
      })(${JSON.stringify(paths)})`,
    );
    expect({ strayed, faults }).toEqual({ strayed: [], faults: [] });
    expect(farthest(rows as number[][])).toBeLessThan(LIMIT);
  });
});

/** Loads the folder with the library, and computes the logits of the pixels, by each variant, and of the photos. */
const USE = `async ({ base, library, pixels, shape, photos, dtypes }) => {
  const { AutoImageProcessor, AutoModelForImageClassification, RawImage, Tensor, env } = library;
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: base });
  const rowsOf = ({ data, dims }) =>
    Array.from({ length: dims[0] }, (_, at) => [...data.slice(at * dims[1], (at + 1) * dims[1])]);
  const result = {};
  for (const dtype of dtypes) {
    const options = dtype === 'default' ? {} : { dtype };
    const model = await AutoModelForImageClassification.from_pretrained('for-web', options);
    const { logits } = await model({ pixel_values: new Tensor('float32', pixels, shape) });
    result[dtype] = rowsOf(logits);
    if (dtype === 'default') {
      const processor = await AutoImageProcessor.from_pretrained('for-web');
      const images = [];
      for (const photo of photos) images.push(await RawImage.read(photo));
      result.own = rowsOf((await model(await processor(images))).logits);
      result.labels = Object.keys(model.config.id2label).length;
    }
    await model.dispose();
  }
  return result;
}`;

interface Used extends Readonly<Record<'default' | 'fp16' | 'q8' | 'own', readonly number[][]>> {
  readonly labels: number;
}

/** The same pixels give the same logits; smaller weights, and the library's own resizing, mostly the same class. */
function judge(used: Used): void {
  expect(farthest(used.default)).toBeLessThan(LIMIT);
  const best = (row: ArrayLike<number>) => Array.from(row).indexOf(Math.max(...Array.from(row)));
  const agreeing = (rows: readonly number[][]) =>
    rows.filter((row, at) => best(row) === best(expected[at] as Float32Array)).length;
  expect(agreeing(used.fp16)).toBeGreaterThanOrEqual(19);
  expect(agreeing(used.q8)).toBeGreaterThanOrEqual(17);
  expect(used.labels).toBe(expected[0]?.length);
  process.stderr.write(
    `transformers.js: fp16 ${farthest(used.fp16).toFixed(4)}, q8 ${farthest(used.q8).toFixed(3)} ` +
      `(${agreeing(used.q8)} of 20 classes), own resizing ${farthest(used.own).toFixed(2)} ` +
      `(${agreeing(used.own)} of 20 classes)\n`,
  );
}

describe('--to transformers.js', () => {
  let folder = '';
  const dtypes = ['default', 'fp16', 'q8'];
  beforeAll(async () => {
    folder = await exported('for-web', 'transformers.js');
  });

  it('Node: the same pixels give the logits of the run, with nothing from elsewhere', async () => {
    link(root, ['@huggingface/transformers']);
    const code = `import * as library from '@huggingface/transformers';
      import { readFileSync } from 'node:fs';
      const [shape, path, ...photos] = process.argv.slice(2);
      const pixels = new Float32Array(readFileSync(path).buffer.slice(0));
      const input = { base: '.', library, pixels, shape: JSON.parse(shape), photos };
      const dtypes = ${JSON.stringify(dtypes)};
      console.log(JSON.stringify(await (${USE})({ ...input, dtypes })));`;
    judge(await runModule(root, code, [JSON.stringify(shape), pixelsPath, ...paths]));
  });

  it.skipIf(!hasChromium || !runsAllProofs)('Chromium: the same', async () => {
    const own = '/node_modules/@huggingface/transformers/node_modules';
    const imports = {
      'onnxruntime-web/webgpu': `${own}/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs`,
      'onnxruntime-common': `${own}/onnxruntime-common/dist/esm/index.js`,
    };
    const html = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    const folders = { models: dirname(folder), node_modules: MODULES, photos: '/' };
    const url = await serveFolders(folders, { '/': html });
    const { page, strayed, faults } = await openPage(url);
    const photoUrls = paths.map((path) => `${url}/photos${path}`);
    const used = await page.evaluate(
      `(async () => {
        const library = await import('/node_modules/@huggingface/transformers/dist/transformers.web.js');
        library.env.backends.onnx.wasm.wasmPaths = '${own}/onnxruntime-web/dist/';
        const pixels = new Float32Array(await (await fetch('/photos${pixelsPath}')).arrayBuffer());
        const input = { base: '/models', library, pixels, shape: ${JSON.stringify(shape)} };
        const photos = ${JSON.stringify(photoUrls)};
        return await (${USE})({ ...input, photos, dtypes: ${JSON.stringify(dtypes)} });
      })()`,
    );
    expect({ strayed, faults }).toEqual({ strayed: [], faults: [] });
    judge(used as Used);
  });
});
