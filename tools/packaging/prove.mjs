/**
 * @file Proves the npm package: packs it, checks its exports, and installs it from the registry, with install scripts on
 * and an empty cache, on each version of Node.js. `npm run package -- [VERSION...]`, by default 20, 22 and 24.
 *
 * In a project: the quickstart trains one epoch in another folder; the examples are compiled (`nodenext` and `bundler`)
 * and run. With `-g`: the command runs. Prints one line a fact; the first failure ends it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24'];
const scratch = mkdtempSync(join(tmpdir(), 'tessera-package-'));
const MIB = 1024 * 1024;

/** The environment of a shell in which npm has not started this script, with another Node.js first on the PATH. */
function environment(node) {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$/i.test(name));
  const path = [...(node === undefined ? [] : [dirname(node)]), process.env.PATH].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, NO_COLOR: '1' };
}

/** Runs a command and returns what it printed; throws with all of that where it fails. */
function run(command, args, { cwd, node }) {
  const options = { cwd, env: environment(node), encoding: 'utf8', maxBuffer: 64 * MIB };
  try {
    return execFileSync(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`);
  }
}

function mebibytesIn(folder) {
  return `${run('du', ['-sm', folder], { cwd: folder }).split('\t')[0]} MiB`;
}

function timed(what, action) {
  const startMs = performance.now();
  const found = action();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${what}: ${seconds} s${found === undefined ? '' : `, ${found}`}\n`);
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}

/** Installs the tarball, and fails on any word of an error. */
function install(tarball, flags, at) {
  const cache = mkdtempSync(join(scratch, 'cache-'));
  run('npm', ['install', '--cache', cache, '--no-audit', '--no-fund', ...flags, tarball], at);
  rmSync(cache, { recursive: true });
}

/** Examples that need an exported model or a server beside the package: the tests of those run them. */
const NEED_MORE = ['predict-with-export', 'serve-client', 'transformers-js-page'];

/** Compiles and runs the others in a project that has the package; `model` is a run for the one that predicts. */
function runExamples(project, model, at) {
  for (const name of readdirSync(join(root, 'examples'))) {
    if (NEED_MORE.includes(name)) continue;
    const folder = join(project, name);
    cpSync(join(root, 'examples', name), folder, { recursive: true });
    for (const flags of [
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
      ['--module', 'nodenext'],
    ]) {
      run('npx', ['--no', 'tsc', '--', '-p', folder, ...flags], { ...at, cwd: folder });
    }
    const args = name === 'predict-in-node' ? ['--', model, join(project, 'image.png')] : [];
    const printed = run('npm', ['start', '--silent', ...args], { ...at, cwd: folder });
    process.stdout.write(`  example ${name}: ${lastLine(printed)}\n`);
  }
}

const IMAGE = `import sharp from 'sharp';
const create = { width: 28, height: 28, channels: 3, background: 'white' };
await sharp({ create }).toFile('image.png');`;

function prove(version, tarball) {
  const node = run('npx', ['-y', `node@${version}`, '-p', 'process.execPath'], { cwd: scratch });
  const home = mkdtempSync(join(scratch, `node-${version}-`));
  const project = join(home, 'project');
  const elsewhere = join(project, 'any', 'folder');
  mkdirSync(elsewhere, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const at = { cwd: project, node: node.trim() };
  const versionOf = (program) => run(program, ['--version'], at).trim();
  process.stdout.write(`\nNode.js ${versionOf('node')}, npm ${versionOf('npm')}\n`);
  timed('  install in an empty project', () => {
    install(tarball, [], at);
    return mebibytesIn(join(project, 'node_modules'));
  });
  timed('  install -g', () => {
    install(tarball, ['-g', '--prefix', join(home, 'global')], at);
    return mebibytesIn(join(home, 'global'));
  });
  const command = join(home, 'global', 'bin', 'tessera');
  process.stdout.write(`  tessera --version: ${run(command, ['--version'], at).trim()}\n`);
  run('npm', ['install', '--no-audit', '--no-fund', 'typescript@5', '@types/node@20'], at);
  run('node', ['--input-type=module', '-e', IMAGE], at);
  timed('  npx tessera train quickstart --set training.epochs=1', () => {
    const train = ['--no', 'tessera', 'train', 'quickstart', '--set', 'training.epochs=1'];
    run('npx', train, { ...at, cwd: elsewhere });
    const shown = run('npx', ['--no', 'tessera', 'runs', 'list'], { ...at, cwd: elsewhere });
    return lastLine(shown).trim().replaceAll(/ {2,}/g, ' ');
  });
  const model = join(elsewhere, 'runs', readdirSync(join(elsewhere, 'runs'))[0]);
  timed('  examples', () => runExamples(project, model, at));
  rmSync(home, { recursive: true });
}

try {
  let tarball = '';
  timed('npm pack', () => {
    tarball = lastLine(run('npm', ['pack', '--pack-destination', scratch], { cwd: root }));
    tarball = join(scratch, tarball);
    return mebibytesIn(scratch);
  });
  timed('publint', () => lastLine(run('npx', ['-y', 'publint@0.3.25', tarball], { cwd: scratch })));
  // The package is of ES modules only: Node.js 20.19 and later load those with require() too.
  timed('@arethetypeswrong/cli', () => {
    const attw = ['-y', '@arethetypeswrong/cli@0.18.5', '--profile', 'esm-only', tarball];
    // It ends with 1 where it finds a problem.
    run('npx', attw, { cwd: scratch });
    return 'no problem';
  });
  for (const version of versions) prove(version, tarball);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
