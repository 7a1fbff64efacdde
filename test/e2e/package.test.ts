/**
 * @file The npm package, laid out as an install lays it out: its files, its types, its command in another folder.
 * `npm run package` installs it from the registry on each version of Node.js that package.json names.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { scratchFolder, WatchedProcess } from '../support/cluster.ts';
import { runsAllProofs } from '../support/proofs.ts';

const REPO = resolve(import.meta.dirname, '../..');
const project = join(scratchFolder(), 'project');
const modules = join(project, 'node_modules');
// Where it really is: Node.js resolves links.
const installed = join(inject('packedModules'), 'tessera-train');
const manifest = JSON.parse(readFileSync(join(REPO, 'package.json'), 'utf8'));

/** What a program does with the library; compiled in strict projects. */
const PROGRAM = `import { defineConfig, listRuns, openModel, readRun, TesseraError } from 'tessera-train';
import manifest from 'tessera-train/package.json' with { type: 'json' };
export const config = defineConfig({
  name: 'digits',
  data: { source: 'mnist', channels: 1 },
  model: { imageSize: 28, patchSize: 7, width: 32, depth: 2, heads: 2 },
  training: { epochs: 1, batchSize: 64, microBatch: 32, optimizer: { learningRate: 1e-3 } },
});
// @ts-expect-error A run is named by the path of its folder.
export const wrong = () => readRun(1);
export const open = (path: string) => openModel(path);
const runs: number = (await listRuns('.')).length;
const refused = await readRun('nowhere').catch((error: unknown) => error);
console.log(manifest.name, runs, refused instanceof TesseraError ? refused.code : refused);
`;

/** What a program does with the blocks. The declarations of TensorFlow.js contradict those of TypeScript's DOM: skipLibCheck. */
const BLOCKS = `import { modelConfig, parameterTable, part, tf } from 'tessera-train/model';
const { entries, size } = parameterTable(modelConfig('B/16', { classes: 1000 }));
// @ts-expect-error The parameters of a part are named by a text.
export const wrong = () => part({}, 0);
const four: tf.Tensor = tf.add(tf.scalar(1), 3);
console.log(entries.length, size, four.dataSync()[0], tf.getBackend());
`;

/** Runs a command that must end with 0; returns all that it printed. */
async function run(command: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new WatchedProcess(command, { cwd }).ended;
  expect(code, `${command.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout + stderr;
}

beforeAll(() => {
  mkdirSync(project);
  symlinkSync(inject('packedModules'), modules);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(project, 'main.ts'), PROGRAM);
  writeFileSync(join(project, 'blocks.ts'), BLOCKS);
});

describe('the package', () => {
  it('holds the build, its types and what they read; no bench, tests, maps or build state', () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
    const tops = new Set(files.map((file) => file.split('/').slice(0, 2).join('/')));
    expect([...tops].filter((top) => !top.startsWith('configs/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'NOTICE',
      'README.md',
      'dist/cli',
      'dist/coordinator',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/launch',
      'dist/man',
      'dist/model.d.ts',
      'dist/model.js',
      'dist/node_modules',
      'dist/shared',
      'dist/tools',
      'dist/worker',
      'package.json',
      'proto/tessera',
      'tools/board',
      'tools/pictures',
      'tools/serve',
    ]);
    const own = files.filter((file) => !file.startsWith('dist/node_modules/'));
    const kinds = new Set(own.map((file) => /(?:\.d)?\.[^.]+$/.exec(file)?.[0]));
    const known = [
      ...['.1', '.conf', '.css', '.d.ts', '.html', '.js', '.json', '.md', '.proto', '.svg'],
      ...['.wasm', '.yaml'],
    ];
    expect([...kinds].sort()).toEqual([...known, undefined]);
    // `tessera engines test` has a folder of its own.
    const others = files.filter((file) => !file.startsWith('dist/tools/engines/test/'));
    expect(others.filter((file) => /\.map$|\.test\.|\/test\/|tsbuildinfo/.test(file))).toEqual([]);
  });

  it('has no dependency with an install script that matters: ONNX Runtime comes as its files', () => {
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, scripts } =
      JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
    const lock = JSON.parse(readFileSync(join(REPO, 'package-lock.json'), 'utf8')).packages;
    const withScript = Object.keys(lock)
      .filter((path) => lock[path].hasInstallScript === true)
      .map((path) => path.split('node_modules/').at(-1) as string);
    // That of protobufjs compares version numbers and does nothing else; that of koffi looks for the addon that npm has
    // installed beside it, and koffi may be missing.
    expect(withScript.sort()).toEqual(['koffi', 'onnxruntime-node', 'protobufjs']);
    expect(Object.keys(dependencies)).not.toContain('onnxruntime-node');
    expect(Object.keys(optionalDependencies)).toEqual(['koffi']);
    const gpu = '@tensorflow/tfjs-node-gpu';
    expect(peerDependencies).toEqual({ [gpu]: expect.any(String) });
    expect(peerDependenciesMeta).toEqual({ [gpu]: { optional: true } });
    const engine = join(installed, 'dist/shared/compute/engines/onnxruntime/program.js');
    const { resolve: found } = createRequire(engine);
    expect(found('onnxruntime-node')).toContain(join(installed, 'dist/node_modules'));
    expect(found('onnxruntime-node/script/install.js')).toContain(installed);
  });

  it('exports its entries with types, and its manifest', () => {
    const { exports, bin } = manifest;
    expect(exports).toEqual({
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './model': { types: './dist/model.d.ts', default: './dist/model.js' },
      './package.json': './package.json',
    });
    expect(bin).toEqual({ tessera: 'dist/cli/main.js' });
  });

  it.each([
    ['nodenext', ['--module', 'nodenext']],
    ...(runsAllProofs
      ? ([['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']]] as const)
      : []),
  ] as const)('compiles in an empty strict project: %s', async (_resolution, flags) => {
    const target = ['--target', 'es2023', '--types', 'node', '--outDir', 'out'];
    const tsc = [process.execPath, join(modules, 'typescript/bin/tsc'), ...target, ...flags];
    await run([...tsc, 'main.ts', '--strict', '--resolveJsonModule'], project);
    await run([...tsc, 'blocks.ts', '--strict', '--skipLibCheck'], project);
    const printed = await run([process.execPath, join('out', 'main.js')], project);
    expect(printed).toBe('tessera-train 0 DATA_INVALID\n');
    const blocks = await run([process.execPath, join('out', 'blocks.js')], project);
    expect(blocks).toBe('152 86567656 4 cpu\n');
  });

  it('trains the quickstart by npx in any folder', async () => {
    const elsewhere = join(project, 'any', 'folder');
    mkdirSync(elsewhere, { recursive: true });
    const flags = [
      ...['training.epochs=1', 'training.schedule.warmupSteps=5', 'model.depth=1'],
      ...['data.source=idx', `data.path=${inject('smallDigits')}`],
    ].flatMap((setting) => ['--set', setting]);
    const command = ['npx', '--no', 'tessera', 'train', 'quickstart', ...flags];
    expect(await run(command, elsewhere)).toMatch(/1 epoch in/);
    expect(readdirSync(join(elsewhere, 'runs'))).toHaveLength(1);
    // The folder for programs has modules of the package as they are.
    const exporting = ['npx', '--no', 'tessera', 'export', '--to', 'node', '--out', 'model'];
    await run(exporting, elsewhere);
    expect(readdirSync(join(elsewhere, 'model'))).toContain('predict.js');
  });
});
