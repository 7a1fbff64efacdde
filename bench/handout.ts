/**
 * @file What a handed-out executable saves: one worker compiles, another joins, and a second run begins from the cache.
 *
 * Real processes on xla-cpu, times by when their lines come. A step is one leaf, so the first node is the first leaf.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds. */
export interface HandoutBench {
  /** From the turn of the first worker until the coordinator keeps its executable. */
  readonly compileMs: number;
  /** From the arrival of the executable at a worker that joins later until the program is loaded. */
  readonly loadMs: number;
  /** The same until its first leaf is computed and pushed; bar: 3,000. */
  readonly firstLeafMs: number;
  /** In a second run, whose worker has the first one's cache: as `compileMs`. */
  readonly cachedMs: number;
  /** `cachedMs` over `compileMs`; bar: 0.2. */
  readonly cachedShare: number;
}

const SETTINGS = [
  'compute.engine=xla',
  'compute.provider=cpu',
  'compute.threads=1',
  'training.batchSize=32',
  'training.epochs=30',
  'evaluation.everyEpochs=0',
].flatMap((setting) => ['--set', setting]);

/** A process of the CLI and what it prints. */
interface Logged {
  readonly child: ChildProcess;
  /** When the first line that has `words` came; waits for it. */
  clockOf(words: string): Promise<number>;
  /** Where it listens, as it prints it. */
  address(): Promise<string>;
}

/** Measures both ways in which a worker need not compile. */
export async function benchHandout(): Promise<HandoutBench> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
  const cache = join(folder, 'first-cache');
  try {
    const first = await measureRun(join(folder, 'first'), [cache, join(folder, 'second-cache')]);
    const second = await measureRun(join(folder, 'second'), [cache]);
    const cachedMs = second.compileMs;
    return { ...first, cachedMs, cachedShare: cachedMs / first.compileMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One run, whose workers come one after the other, each with a cache of its own. */
async function measureRun(runFolder: string, caches: readonly string[]) {
  const coordinator = startCli([
    ...['coordinator', 'quickstart', ...SETTINGS, '--run-folder', runFolder],
    ...['--listen', '127.0.0.1:0', '--verbose'],
  ]);
  const processes = [coordinator.child];
  const times = { loadMs: 0, firstLeafMs: 0 };
  try {
    const address = await coordinator.address();
    for (const cache of caches) {
      const worker = startCli(['worker', address, '--threads', '1', '--verbose'], cache);
      processes.push(worker.child);
      const pushed = await worker.clockOf('node pushed');
      if (cache !== caches[0]) {
        const taken = await worker.clockOf('executable of the run taken');
        times.loadMs = (await worker.clockOf('model compiled')) - taken;
        times.firstLeafMs = pushed - taken;
      }
      worker.child.kill('SIGTERM');
    }
    const turn = await coordinator.clockOf('compiles for all');
    return { ...times, compileMs: (await coordinator.clockOf('executable kept')) - turn };
  } finally {
    for (const child of processes) child.kill('SIGKILL');
  }
}

/** Starts the CLI; `cache` is its user's cache. */
function startCli(args: readonly string[], cache?: string): Logged {
  const main = new URL('../cli/main.js', import.meta.url);
  const child = spawn(process.execPath, [main.pathname, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(cache && { XDG_CACHE_HOME: cache }) },
  });
  const lines: { readonly text: string; readonly atMs: number }[] = [];
  let rest = '';
  let look = () => {};
  const read = (data: Buffer) => {
    const parts = `${rest}${data}`.split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) lines.push({ text, atMs: performance.now() });
    look();
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const find = (words: RegExp) =>
    new Promise<(typeof lines)[number]>((done, fail) => {
      look = () => {
        const line = lines.find(({ text }) => words.test(text));
        if (line !== undefined) done(line);
      };
      child.once('exit', () => fail(new Error(lines.map(({ text }) => text).join('\n'))));
      look();
    });
  return {
    child,
    clockOf: async (words) => (await find(new RegExp(words))).atMs,
    address: async () =>
      /127\.0\.0\.1:[1-9]\d*/.exec((await find(/127\.0\.0\.1:[1-9]/)).text)?.[0] ?? '',
  };
}
