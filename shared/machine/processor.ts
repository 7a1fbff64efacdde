/** @file The kind of this machine's processor: computed on another kind, the same step has other bits. */
import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/** Instructions by which libraries choose their kernels, in the names of the kernel's lists. */
const CHOSEN_BY: ReadonlySet<string> = new Set([
  ...['avx', 'avx2', 'fma', 'f16c', 'avx_vnni', 'avx512f', 'avx512_vnni', 'avx512_bf16'],
  ...['amx_tile', 'amx_int8', 'amx_bf16', 'avx512_fp16', 'asimd', 'asimddp', 'i8mm', 'bf16'],
  ...['sve', 'sve2'],
]);
const MODEL_LENGTH_MAX = 80;

/** Model and instruction sets of this machine's processor, as far as they are known. */
export function processorKind(): string {
  return kindFrom({ model: cpus()[0]?.model ?? '', architecture: arch() }, listOfCpus());
}

/** The same from what Node and, on Linux, `/proc/cpuinfo` say. Pure. */
export function kindFrom(
  { model, architecture }: { readonly model: string; readonly architecture: string },
  cpuinfo: string,
): string {
  const named = model.replace(/\s+/g, ' ').trim().slice(0, MODEL_LENGTH_MAX);
  // Node says "unknown" of processors that the kernel does not name.
  const name = named === '' || named === 'unknown' ? architecture : named;
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const known = flags.split(' ').filter((flag) => CHOSEN_BY.has(flag));
  return known.length === 0 ? name : `${name} (${known.sort().join(' ')})`;
}

/** What the kernel says of the processors; '' elsewhere. */
function listOfCpus(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
