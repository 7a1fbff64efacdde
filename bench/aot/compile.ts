/**
 * @file Compiles one part of a step for a GPU that is not here, with the options of the product's engine; prints JSON.
 *
 * `node dist/bench/aot/compile.js REQUEST`, in a process of its own: a compiler may abort it.
 */
import { createHash } from 'node:crypto';
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import {
  compileOverrides,
  encodeCompileOptions,
} from '../../shared/compute/engines/xla/compile-options.ts';
import { Plugin } from '../../shared/compute/engines/xla/plugin.ts';
import { Topology } from '../../shared/compute/engines/xla/topology.ts';
import { ExecutableCache } from '../../shared/compute/executable-cache.ts';
import { recordPart } from '../../shared/compute/graph/steps.ts';
import { lowerPart } from '../../shared/compute/lower/stablehlo/programs.ts';
import type { ProgramSpec } from '../../shared/compute/program.ts';
import type { Part } from '../../shared/compute/step.ts';
import { kernelsOf } from './kernels.ts';
import { targetConfig } from './targets.ts';

/** What is compiled, for what, and where it is kept. */
export interface AotRequest {
  readonly spec: ProgramSpec;
  readonly part: Part;
  readonly gpu: string;
  /** A folder of executables that were compiled before. */
  readonly cache?: string;
}

/** What came of it. Units  bytes; milliseconds since the process began. */
export interface AotResult {
  readonly plugin: string;
  /** Whether the executable was found in the cache: then only the times are here. */
  readonly wasKept: boolean;
  readonly recordedMs: number;
  readonly readyMs: number;
  readonly bytes: number;
  readonly peak?: number | undefined;
  readonly temporary?: number;
  readonly kernels?: number;
  readonly kinds?: Readonly<Record<string, number>>;
  readonly bytesWritten?: number;
  /** SHA-256 of the instructions of the compiled program. */
  readonly instructions?: string;
}

/** Without a device there is nothing to time: the compiler takes its own guesses. */
const WITHOUT_DEVICE = { xla_gpu_autotune_level: 0 };

async function main(): Promise<void> {
  const { spec, part, gpu, cache } = JSON.parse(process.argv[2] ?? '') as AotRequest;
  const installed = await installedEngines(enginesFolder(process.env));
  const engine = installed.findLast((each) => each.engine === 'xla-cuda');
  if (engine === undefined) throw new Error('no plugin of xla-cuda is installed');
  const plugin = new Plugin(engine.path);
  const { text } = lowerPart(spec, part, await recordPart(spec, part));
  const overrides = compileOverrides('cuda', plugin.apiVersion, spec.precision ?? 'f32');
  const options = encodeCompileOptions({ ...overrides, ...WITHOUT_DEVICE });
  const recordedMs = performance.now();
  const name = `${engine.name} ${engine.version}`;
  const digest = createHash('sha256').update(`${name}\n${gpu}\n`).update(options).update(text);
  const key = { digest: digest.digest('hex'), title: `${part} for ${gpu}` };
  const kept = cache === undefined ? undefined : new ExecutableCache(cache);
  const facts = { plugin: `${name}, API ${plugin.apiVersion}`, recordedMs };
  const found = await kept?.read(key.digest);
  if (found !== undefined) {
    const readyMs = performance.now();
    return say({ ...facts, wasKept: true, readyMs, bytes: found.byteLength });
  }
  const target = { target_config: await targetConfig(engine.path, gpu), topology: '1x1x1' };
  const program = new Topology(plugin, '', target).compile(text, options);
  const bytes = program.serialize();
  await kept?.write(key, bytes);
  const readyMs = performance.now();
  const { peak, temporary } = program.memory();
  const { all, kinds, bytesWritten, instructions } = kernelsOf(program.optimized());
  const made = { bytes: bytes.byteLength, peak, temporary, kernels: all, kinds, bytesWritten };
  say({ ...facts, wasKept: false, readyMs, ...made, instructions });
}

function say(result: AotResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await main();
// The compiler's threads need not be waited for.
process.exit(0);
