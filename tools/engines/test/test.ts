/** @file Tests an engine on this machine: its numbers against the oracle, its bits, its speed and its memory. */
import type { EngineId } from '../../../shared/compute/engines/registry.ts';
import { engineOf } from '../../../shared/compute/engines/registry.ts';
import { parameterTable } from '../../../shared/model/parameters.ts';
import { type Numbers, SMALL_MODEL, type Speed, type TestJob } from './jobs.ts';
import { type Parity, parityOf } from './parity.ts';
import { runJob } from './run.ts';

/** Whether bits are the same in one precision; `undefined` where there is nothing to compare. */
interface SameBits {
  readonly precision: Parity['precision'];
  readonly processes: boolean;
  /** Over one device and over all; undefined on one device. */
  readonly devices: boolean | undefined;
  readonly sha256: string;
}

/** What a test found. */
export interface EngineReport {
  readonly engine: EngineId;
  readonly description: string;
  /** Devices that compute leaves at the same time. */
  readonly slots: number;
  readonly deviceKind: string | undefined;
  readonly parity: readonly Parity[];
  readonly bits: readonly SameBits[];
  /** Of one leaf of ViT-Ti/16 in the fastest precision; undefined where it was left out. */
  readonly speed: (Speed & { readonly precision: Parity['precision'] }) | undefined;
  readonly isRight: boolean;
}

/** How an engine is tested. */
export interface TestOptions {
  readonly id: EngineId;
  readonly threads: number;
  /** Leaves the speed out. */
  readonly isQuick: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Images in a leaf of the speed test, and how many leaves are timed. */
const GPU_LEAF = { microBatch: 32, leaves: 20 };
const CPU_LEAF = { microBatch: 4, leaves: 3 };

/** Tests an engine. Throws  ENGINE_UNAVAILABLE when it does not run; CANCELLED by the signal. */
export async function testEngine(options: TestOptions): Promise<EngineReport> {
  const { id, threads, isQuick, signal, say } = options;
  const { precisions = ['f32'] } = engineOf(id);
  const numbers = (job: Omit<TestJob & { kind: 'numbers' }, 'kind'>) =>
    runJob({ kind: 'numbers', ...job } as const, signal);
  say('the oracle (tfjs-cpu)');
  const oracle = await numbers({ choice: { id: 'tfjs-cpu', threads: 1 }, precision: 'f32' });
  const parity: Parity[] = [];
  const bits: SameBits[] = [];
  let first: Numbers | undefined;
  // Devices on a CPU are as many as are asked for.
  const isDivisible = engineOf(id).provider === 'cpu';
  const choice = { id, threads, ...(isDivisible && { devices: [0, 1] }) };
  const one = { id, threads, devices: [0] };
  for (const precision of precisions) {
    say(`${id}, ${precision}: numbers and bits`);
    const found = await numbers({ choice, precision });
    first ??= found;
    const again = await numbers({ choice, precision });
    const single = found.slots > 1 ? await numbers({ choice: one, precision }) : undefined;
    const { entries } = parameterTable(SMALL_MODEL);
    parity.push(parityOf(precision, { found, oracle }, entries));
    bits.push({
      precision,
      processes: again.nodeSha256 === found.nodeSha256 && again.gradient === found.gradient,
      devices: single && single.nodeSha256 === found.nodeSha256,
      sha256: found.nodeSha256,
    });
  }
  const { description, slots, devices } = first as Numbers;
  const isRight =
    parity.every((one) => one.isRight) &&
    bits.every((one) => one.processes && one.devices !== false);
  const precision =
    precisions.includes('bf16') && engineOf(id).needs !== undefined ? 'bf16' : 'f32';
  const speed = isQuick ? undefined : await timed(options, precision);
  return {
    engine: id,
    description,
    slots,
    deviceKind: devices?.kind,
    parity,
    bits,
    speed,
    isRight,
  };
}

async function timed({ id, threads, signal, say }: TestOptions, precision: Parity['precision']) {
  say(`${id}, ${precision}: one leaf of ViT-Ti/16, 224 px`);
  const size = engineOf(id).needs === undefined ? CPU_LEAF : GPU_LEAF;
  const job = { kind: 'speed', choice: { id, threads }, precision, ...size } as const;
  return { ...(await runJob(job, signal)), precision };
}
