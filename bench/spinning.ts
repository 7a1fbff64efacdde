/**
 * @file Whether threads of ONNX Runtime should wait for each other by spinning: one step of ViT-Ti/16, batch 8, with one
 * and two threads, alone and beside two busy processes.
 *
 * The four programs take turns, so that all see the same machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { compileForOnnxRuntime } from '../shared/compute/engines/onnxruntime/program.ts';
import type { Program } from '../shared/compute/program.ts';
import { initialParameters } from '../shared/model/init.ts';
import { median } from './figures/median.ts';
import { BATCH, leafOf, specOf, timed } from './step.ts';

/** Steps of each program in each company, after one that is not counted. */
const ROUNDS = 15;
const BUSY_PROCESSES = 2;

type Company = 'alone' | 'busy';

interface Setting {
  readonly threads: number;
  readonly isSpinning: boolean;
  readonly program: Program;
  readonly timesMs: Readonly<Record<Company, number[]>>;
}

/** Measures, prints a table, and says which setting is better over both. Units  milliseconds, medians. */
export async function benchSpinning(): Promise<Readonly<Record<string, number | string>>> {
  const settings = await Promise.all(
    [1, 2].flatMap((threads) => [true, false].map((isSpinning) => prepared(threads, isSpinning))),
  );
  await takeTurns(settings, 'alone');
  const neighbours = Array.from({ length: BUSY_PROCESSES }, () => spawnBusy());
  try {
    await takeTurns(settings, 'busy');
  } finally {
    await Promise.all(neighbours.map(ended));
  }
  for (const { program } of settings) await program.dispose();
  console.error(table(settings));
  return summaryOf(settings);
}

async function prepared(threads: number, isSpinning: boolean): Promise<Setting> {
  const spec = specOf(BATCH);
  const options = { provider: 'cpu', threads, allowSpinning: isSpinning } as const;
  const program = compileForOnnxRuntime(spec, options);
  program.setParameters(initialParameters(spec.model, 1));
  return { threads, isSpinning, program, timesMs: { alone: [], busy: [] } };
}

async function takeTurns(settings: readonly Setting[], company: Company): Promise<void> {
  const leaf = leafOf(specOf(BATCH));
  for (const { program } of settings) await timed(program, leaf);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { program, timesMs } of settings) timesMs[company].push(await timed(program, leaf));
  }
}

/** A process that takes a core for itself, and ends with us. */
function spawnBusy(): ChildProcess {
  const code =
    'process.stdin.resume().on("end", () => process.exit()); setImmediate(function f() { for (let i = 0; i < 1e7; i += 1); setImmediate(f); })';
  return spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'ignore', 'ignore'] });
}

async function ended(child: ChildProcess): Promise<void> {
  const end = once(child, 'exit');
  child.stdin?.end();
  await end;
}

function table(settings: readonly Setting[]): string {
  const columns = (cells: readonly string[]) =>
    `  ${cells.map((cell) => cell.padStart(10)).join('')}`;
  const rows = settings.map(({ threads, isSpinning, timesMs }) =>
    columns([
      String(threads),
      isSpinning ? 'on' : 'off',
      median(timesMs.alone).toFixed(0),
      median(timesMs.busy).toFixed(0),
    ]),
  );
  return [columns(['THREADS', 'SPINNING', 'ALONE ms', 'BUSY ms']), ...rows].join('\n');
}

function summaryOf(settings: readonly Setting[]): Readonly<Record<string, number | string>> {
  const figures = settings.flatMap(({ threads, isSpinning, timesMs }) =>
    (['alone', 'busy'] as const).map((company) => {
      const name = `${company}${threads}Threads${isSpinning ? 'Spinning' : 'Waiting'}Ms`;
      return [name, median(timesMs[company])] as const;
    }),
  );
  // Both companies weigh the same, whatever their times are: the product of the medians.
  const costOf = (spinning: boolean) =>
    settings
      .filter(({ isSpinning }) => isSpinning === spinning)
      .reduce((cost, { timesMs }) => cost * median(timesMs.alone) * median(timesMs.busy), 1);
  const [on, off] = [costOf(true), costOf(false)];
  return { ...Object.fromEntries(figures), better: on < off ? 'spinning on' : 'spinning off' };
}
