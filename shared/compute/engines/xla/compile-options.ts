/**
 * @file How the plugin compiles: flags of XLA, and CompileOptionsProto.
 *
 * Source  xla/pjrt/proto/compile_options.proto: CompileOptionsProto { executable_build_options 3,
 *         compile_portable_executable 4, env_option_overrides 7 }; ExecutableBuildOptionsProto { num_replicas 4,
 *         num_partitions 5 }; OptionOverrideProto { string 1, bool 2, int 3, double 4 }.
 */
import type { Precision } from '../../../model/precision.ts';
import { double, type Fields, integer, message, text } from '../../lower/protobuf.ts';
import { overridesOf } from '../../lower/stablehlo/products.ts';
import type { XlaEngine } from './open.ts';

/** Flags of XLA by name; one that the plugin does not know is an ordinary error. */
export type Overrides = Readonly<Record<string, string | number | boolean>>;

/** The minor version of the API from which on plugins know Triton's flag below. */
const TRITON_MINOR = 116;

/**
 * The flags with which a run's programs are compiled: those of its precision, and on GPUs those that leave out
 * operations whose results change from run to run.
 *
 * Leaving those out turns Triton off, which has the fast products; the second flag turns it on again. Which kernels are
 * fastest is still found by timing: same bits on many machines need one executable for all (`executables.ts`).
 */
export function compileOverrides(
  platform: XlaEngine['platform'],
  apiVersion: string,
  precision: Precision,
): Overrides {
  const own = overridesOf(precision);
  if (platform === 'cpu' || platform === 'tpu') return own;
  const hasTritonFlag = Number(apiVersion.split('.')[1]) >= TRITON_MINOR;
  return {
    ...own,
    xla_gpu_exclude_nondeterministic_ops: true,
    ...(hasTritonFlag && {
      xla_gpu_experimental_deterministic_ops_triton: 'DETERMINISTIC_OPS_TRITON_MODE_UNCHECKED',
    }),
  };
}

/** Encodes the options of a program for one device at a time, whichever it is started on. */
export function encodeCompileOptions(overrides: Overrides = {}): Uint8Array {
  // Without a count of replicas the plugin aborts the process.
  const build = message(3, integer(4, 1), integer(5, 1));
  const isPortable = integer(4, 1);
  const entries = Object.entries(overrides).map(([name, value]) =>
    message(7, text(1, name), message(2, encodeOverride(value))),
  );
  return Buffer.concat([build, isPortable, ...entries].flat());
}

function encodeOverride(value: Overrides[string]): Fields {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return integer(2, value ? 1 : 0);
  return Number.isInteger(value) ? integer(3, value) : double(4, value);
}
