/** @file The floors of the house: which folder may import which, and the one door of each outside package. */
import { dirname, join, normalize } from 'node:path';

/** Sources by path; see `faultsOf`. */
export type Sources = ReadonlyMap<string, string>;

const SHARED_ML = [
  'shared/model',
  'shared/training',
  'shared/weights',
  'shared/data',
  'shared/compute',
];
const SHARED_LOW = [
  'shared/core',
  'shared/kernels',
  'shared/files',
  'shared/machine',
  ...SHARED_ML,
  'shared/catalog',
];

/** What each room may import, beside itself. Lower floors first. The longest name that fits a file is its room. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'shared/core': [],
  'shared/kernels': ['shared/core'],
  'shared/files': ['shared/core'],
  'shared/machine': ['shared/core', 'shared/files'],
  'shared/model': ['shared/core'],
  'shared/training': ['shared/core', 'shared/kernels', 'shared/model'],
  'shared/weights': ['shared/core', 'shared/files', 'shared/model', 'shared/catalog'],
  'shared/catalog': ['shared/core', 'shared/files', 'shared/weights'],
  'shared/data': ['shared/core', 'shared/kernels', 'shared/files'],
  'shared/compute': [
    'shared/core',
    'shared/kernels',
    'shared/files',
    'shared/machine',
    'shared/model',
    'shared/training',
  ],
  'shared/objects': ['shared/core', 'shared/files'],
  'shared/config': [...SHARED_LOW, 'shared/objects'],
  'shared/security': ['shared/core', 'shared/files'],
  'shared/contract': ['shared/core', 'shared/kernels', 'shared/data', 'shared/security'],
  'shared/exchange': [
    'shared/core',
    'shared/kernels',
    'shared/machine',
    'shared/data',
    'shared/security',
    'shared/contract',
  ],
  'shared/runs': [
    ...SHARED_LOW,
    'shared/objects',
    'shared/config',
    'shared/contract',
    'shared/exchange',
    'shared/security',
  ],
  'coordinator/core': ['shared/core', 'shared/training', 'shared/contract'],
  'worker/core': ['shared/core', 'shared/training', 'shared/contract'],
  coordinator: ['coordinator/core', 'shared'],
  worker: ['worker/core', 'shared'],
  tools: ['shared'],
  'tools/estimate': ['shared', 'tools'],
  'tools/tensorboard': ['shared', 'tools'],
  launch: ['shared', 'coordinator', 'worker', 'tools/estimate', 'tools/tensorboard'],
  'index.ts': ['shared', 'coordinator', 'worker', 'tools', 'launch'],
  'model.ts': ['shared', 'tools'],
  cli: ['index.ts', 'shared', 'coordinator', 'worker', 'tools', 'launch'],
  bench: ['index.ts', 'shared', 'coordinator', 'worker', 'tools', 'launch', 'cli'],
};

/** Where each outside package comes in. The last is a language of the house, spoken in the rooms named. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['shared/exchange/grpc/', 'bench/exchange/naive.ts'],
  '@grpc/proto-loader': ['shared/exchange/grpc/protos.ts'],
  '@grpc/reflection': ['shared/exchange/grpc/reflection.ts'],
  'grpc-health-check': ['shared/exchange/grpc/server.ts'],
  '@peculiar/x509': ['shared/security/certificates.ts'],
  'reflect-metadata': ['shared/security/certificates.ts'],
  '@tensorflow/tfjs-backend-cpu': ['shared/compute/engines/', 'bench/'],
  '@tensorflow/tfjs-layers': ['shared/compute/gradients.ts'],
  '@tensorflow/tfjs-node': ['shared/compute/engines/'],
  '@tensorflow/tfjs-node-gpu': ['shared/compute/engines/'],
  '@tensorflow/tfjs-backend-wasm': ['bench/'],
  'onnxruntime-node': ['shared/compute/engines/', 'tools/export/folder/'],
  'onnxruntime-web': ['tools/export/folder/'],
  aws4fetch: ['shared/objects/signing.ts'],
  commander: ['cli/'],
  koffi: ['shared/compute/engines/xla/'],
  echarts: ['tools/pictures/charts.ts'],
  pino: ['shared/machine/log.ts'],
  sharp: ['shared/data/pixels/libvips.ts', 'tools/export/folder/'],
  'tar-stream': ['tools/downloads/unpack.ts'],
  yaml: ['shared/config/document.ts', 'shared/config/write.ts'],
  '@tensorflow/tfjs-core': [
    'shared/model/tensorflow.ts',
    'shared/compute/engines/tfjs-here.ts',
    'bench/',
  ],
  'playwright-core': ['bench/page.ts'],
  zod: ['shared/', 'tools/'],
};

/** Rooms without I/O: of Node they import only what is a pure function, and what loads a package as `import` does. */
const PURE =
  /^(shared\/(core|model|training|runs\/(alarms|notices)|weights\/(formats|names|describe|fit)|data\/pixels\/formats)|coordinator\/core|worker\/core)\//;
const PURE_BUILTINS: ReadonlySet<string> = new Set(['node:zlib', 'node:module']);

/** Every import that the table forbids, every outside package at another door, and every circle of folders, as sentences. */
export function faultsOf(sources: Sources): string[] {
  const faults: string[] = [];
  const arrows = new Map<string, Set<string>>();
  for (const [path, text] of sources) {
    for (const name of importsOf(text)) {
      const fault = name.startsWith('.')
        ? judgeInside(path, normalize(join(dirname(path), name)), arrows)
        : judgeOutside(path, name);
      if (fault !== undefined) faults.push(fault);
    }
  }
  return [...faults, ...circlesOf(arrows)].sort();
}

function importsOf(text: string): string[] {
  const found = text.matchAll(
    /^(?:import|export|\}).*?\bfrom '([^']+)';$|^import '([^']+)';$|\bimport\(\s*'([^']+)'/gm,
  );
  return [...new Set([...found].map(([, from, bare, late]) => from ?? bare ?? late ?? ''))];
}

function judgeInside(path: string, target: string, arrows: Map<string, Set<string>>) {
  const [from, to] = [roomOf(path), roomOf(target)];
  if (dirname(path) !== dirname(target) && !target.includes('/generated/')) {
    const targets = arrows.get(dirname(path)) ?? new Set();
    arrows.set(dirname(path), targets.add(dirname(target)));
  }
  if (from === to || ROOMS[from]?.some((room) => to === room || to.startsWith(`${room}/`))) {
    return undefined;
  }
  return `${path} imports ${target}`;
}

function judgeOutside(path: string, name: string): string | undefined {
  if (name.startsWith('node:')) {
    return PURE.test(path) && !PURE_BUILTINS.has(name) ? `${path} imports ${name}` : undefined;
  }
  const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/');
  const isHere = (DOORS[packageName] ?? []).some((door) => path.startsWith(door));
  return isHere ? undefined : `${path} imports ${packageName}`;
}

function roomOf(path: string): string {
  const rooms = Object.keys(ROOMS).filter((room) => path === room || path.startsWith(`${room}/`));
  return rooms.reduce((longest, room) => (room.length > longest.length ? room : longest), '');
}

/** Folders that import themselves over others, as one sentence a circle. */
function circlesOf(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const reach = new Map<string, Set<string>>();
  for (const start of arrows.keys()) {
    const seen = new Set<string>();
    const open = [start];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of arrows.get(at) ?? []) {
        if (!seen.has(next)) open.push(next);
        seen.add(next);
      }
    }
    reach.set(start, seen);
  }
  const circles = [...reach]
    .filter(([folder, seen]) => seen.has(folder))
    .map(([folder, seen]) => [...seen].filter((other) => reach.get(other)?.has(folder)).sort())
    .map((folders) => `a circle of folders: ${folders.join(', ')}`);
  return [...new Set(circles)];
}
