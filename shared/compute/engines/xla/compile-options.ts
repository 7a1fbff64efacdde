/**
 * @file How the plugin compiles: CompileOptionsProto.
 *
 * Source  xla/pjrt/proto/compile_options.proto: CompileOptionsProto { executable_build_options 3,
 *         compile_portable_executable 4, env_option_overrides 7 }; ExecutableBuildOptionsProto { num_replicas 4,
 *         num_partitions 5 }; OptionOverrideProto { string 1, bool 2, int 3, double 4 }.
 */
import { double, type Fields, integer, message, text } from '../../lower/protobuf.ts';

/** Flags of XLA by name; one that the plugin does not know is an ordinary error. */
export type Overrides = Readonly<Record<string, string | number | boolean>>;

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
