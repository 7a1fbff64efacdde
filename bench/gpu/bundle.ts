/**
 * @file Gathers everything that `run.sh` needs on a machine without npm into one folder: `tessera-gpu.tar.xz` and `run.sh`.
 *
 * `npm run --silent build && node dist/bench/gpu/bundle.js FOLDER`. In the archive: Node.js, the built product without
 * source maps, of its packages what the product loads on Linux x64, the digits of the quickstart, and the peer in PyTorch.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { formatBytes } from '../../shared/core/units.ts';

/** Above this it does not fit beside a checkout into what travels to a lent machine. */
const BYTES_MAX = 60e6;
const ROOT = new URL('../../../', import.meta.url).pathname;
/** Packages that no part of the experiment loads: charts and their fonts. */
const LEFT_OUT = new Set(['echarts', 'zrender', 'dejavu-fonts-ttf', '@types/node']);
/** Packages that are needed beside the product's dependencies. */
const MORE = ['onnxruntime-node'];

/** Which files of a package travel, by its name; all that are not for readers or browsers unless listed. */
const KEPT: Readonly<Record<string, RegExp>> = {
  '@tensorflow/tfjs-core': /^dist\/tf-core\.node\.js$/,
  '@tensorflow/tfjs-layers': /^dist\/tf-layers\.node\.js$/,
  '@tensorflow/tfjs-backend-cpu': /^dist\/tf-backend-cpu\.node\.js$/,
  'onnxruntime-node': /^(dist\/|bin\/napi-v6\/linux\/x64\/)/,
  mnist: /^src\/digits\//,
  zod: /^(?!src\/).*js$/,
  yaml: /^dist\/.*js$/,
  '@koromix/koffi-linux-x64': /^(linux_x64\/|[^/]*js$)/,
  '@grpc/grpc-js': /^(build\/src\/.*js|proto\/.*)$/,
};
const FOR_READERS =
  /\.(map|md|markdown|ts|cts|mts|flow|html)$|^(docs?|tests?|examples?|\.github)\//i;

function main([folder]: readonly string[]): void {
  if (folder === undefined) throw new Error('bundle FOLDER: where the archive goes');
  const scratch = mkdtempSync(join(tmpdir(), 'tessera-bundle-'));
  try {
    const top = join(scratch, 'tessera-gpu');
    copyProduct(join(top, 'tessera'));
    cpSync(realpathSync(process.execPath), join(top, 'node'));
    cpSync(join(ROOT, 'bench/gpu/peer.py'), join(top, 'peer.py'));
    mkdirSync(folder, { recursive: true });
    const archive = join(folder, 'tessera-gpu.tar.xz');
    execFileSync('tar', ['-cJf', archive, '-C', scratch, 'tessera-gpu'], {
      env: { ...process.env, XZ_OPT: process.env['XZ_OPT'] ?? '-6 -T2' },
    });
    cpSync(join(ROOT, 'bench/gpu/run.sh'), join(folder, 'run.sh'));
    const { size } = statSync(archive);
    console.log(`${archive}: ${formatBytes(size)}`);
    if (size > BYTES_MAX) throw new Error(`more than ${formatBytes(BYTES_MAX)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The product as it is built, and what it loads. */
function copyProduct(to: string): void {
  const isBuilt = (path: string) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path);
  cpSync(join(ROOT, 'dist'), join(to, 'dist'), { recursive: true, filter: isBuilt });
  for (const name of ['proto', 'configs', 'package.json', 'LICENSE', 'NOTICE'])
    cpSync(join(ROOT, name), join(to, name), { recursive: true });
  const { dependencies } = manifestOf(ROOT);
  const seen = new Set<string>();
  for (const name of [...Object.keys(dependencies ?? {}), ...MORE, 'koffi']) {
    copyPackage(name, ROOT, to, seen);
  }
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Copies a package and those that it needs, each to its place below `node_modules`. */
function copyPackage(name: string, folder: string, to: string, seen: Set<string>): void {
  const source = folderOf(name, folder);
  if (LEFT_OUT.has(name) || source === undefined || seen.has(source)) return;
  seen.add(source);
  const kept = KEPT[name];
  const filter = (path: string) => {
    const within = path
      .slice(source.length + 1)
      .split(sep)
      .join('/');
    if (within === 'node_modules') return false;
    if (within === '' || within === 'package.json' || statSync(path).isDirectory()) return true;
    return kept === undefined ? !FOR_READERS.test(within) : kept.test(within);
  };
  const place = source.slice(source.indexOf(`${sep}node_modules${sep}`));
  cpSync(source, join(to, place), { recursive: true, filter });
  const { dependencies, optionalDependencies } = manifestOf(source);
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
    copyPackage(needed, source, to, seen);
  }
}

/** Where Node.js finds a package from a folder; undefined for one of another platform, which is not installed. */
function folderOf(name: string, folder: string): string | undefined {
  const candidate = join(folder, 'node_modules', name);
  if (existsSync(join(candidate, 'package.json'))) return candidate;
  const up = dirname(folder);
  return up === folder ? undefined : folderOf(name, up);
}

main(process.argv.slice(2));
