/**
 * @file The experiment on a card that can be had for minutes: one JSON line a measurement, the most valuable first.
 *
 * `run.sh` starts it there; `node dist/bench/gpu/main.js --engine xla-cpu --tiny --results FILE` tries it anywhere.
 */
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import { measureDuel } from './duel.ts';
import { type Part, partsOf } from './parts.ts';
import { measureRuns } from './runs.ts';

const run = promisify(execFile);
const TESSERA = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

function parseOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '540' },
      only: { type: 'string', multiple: true },
      tiny: { type: 'boolean', default: false },
      engine: { type: 'string', default: 'xla-cuda' },
      python: { type: 'string', default: 'python3' },
      peer: { type: 'string', default: 'bench/gpu/peer.py' },
      results: { type: 'string', default: 'results.jsonl' },
    },
  });
  const engine = (['xla-cuda', 'xla-cpu'] as const).find((id) => id === values.engine);
  if (engine === undefined) throw new Error(`--engine ${values.engine}: xla-cuda or xla-cpu`);
  return { ...values, engine, seconds: Number(values.seconds) };
}

type Options = ReturnType<typeof parseOptions>;
type Values = Readonly<Record<string, unknown>>;
type Report = (values: Values) => void;

async function main(): Promise<void> {
  const options = parseOptions();
  const { results, seconds, only, tiny } = options;
  writeFileSync(results, '');
  const write = (values: object) => {
    const line = JSON.stringify(values, (_, value) =>
      typeof value === 'number' ? Number(value.toPrecision(6)) : value,
    );
    appendFileSync(results, `${line}\n`);
    console.log(line);
  };
  const folder = mkdtempSync(join(tmpdir(), 'tessera-gpu-'));
  const elapsed = () => performance.now() / 1000;
  try {
    for (const part of partsOf(tiny)) {
      const { name, limitSeconds, leastSeconds } = part;
      if (only !== undefined && !only.some((word) => name.startsWith(word))) continue;
      const left = seconds - elapsed();
      const report: Report = (values) => write({ part: name, at: elapsed(), ...values });
      if (left < leastSeconds) {
        report({ skipped: `${left.toFixed(0)} of ${seconds} seconds are left` });
        continue;
      }
      const signal = AbortSignal.timeout(Math.round(1000 * Math.min(limitSeconds, left)));
      try {
        await measure(part, options, {
          folder: join(folder, name.replaceAll(/\W+/g, '-')),
          report,
          signal,
        });
      } catch (error) {
        const stopped = signal.aborted
          ? `stopped after its limit of ${limitSeconds} s or at the end: `
          : '';
        report({ failed: `${stopped}${error}` });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Context {
  readonly folder: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Measures a part. Throws  when it fails as a whole. */
async function measure(part: Part, options: Options, context: Context): Promise<void> {
  const { engine, tiny } = options;
  switch (part.what) {
    case 'machine':
      return context.report(await machine());
    case 'engine':
      return context.report(await testEngine(engine, context.signal));
    case 'duel':
      return measureDuel(part, {
        ...{ ...context, engine, peer: [options.python, options.peer] },
        ...{ leaves: 8, rounds: tiny ? 1 : 3, secondsEach: tiny ? 0.5 : 3 },
        ...{ readySeconds: part.limitSeconds - 30, peerCompiles: !tiny },
      });
    case 'runs':
      return measureRuns(part, { ...context, provider: engine.slice('xla-'.length) });
  }
}

/** What decides the figures, as far as the machine says it. */
async function machine(): Promise<Values> {
  const smi = [
    '--query-gpu=name,driver_version,memory.total,clocks.max.sm',
    '--format=csv,noheader',
  ];
  const card = await run('nvidia-smi', smi).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => `no nvidia-smi: ${error}`.split('\n')[0],
  );
  const engines = await installedEngines(enginesFolder(process.env));
  const cores = cpus();
  return {
    ...{
      card,
      cpu: cores[0]?.model,
      cores: cores.length,
      kernel: release(),
      node: process.version,
    },
    engines: engines.map(({ name, version, path }) => `${name} ${version} ${path}`),
  };
}

/** `tessera engines test`: parity with the oracle and same bits. It prints its report also when that is bad. */
async function testEngine(engine: string, signal: AbortSignal): Promise<Values> {
  const args = [TESSERA, 'engines', 'test', engine, '--quick', '--json'];
  const stdout = await run(process.execPath, args, { signal, killSignal: 9 }).then(
    (ended) => ended.stdout,
    (error: { stdout?: string }) => {
      if (!error.stdout?.startsWith('{')) throw error;
      return error.stdout;
    },
  );
  return JSON.parse(stdout) as Values;
}

await main();
