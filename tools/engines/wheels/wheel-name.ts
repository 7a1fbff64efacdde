/**
 * @file Names of wheels: what they are of, and which machines they fit. Pure.
 *
 * Source  Python's "Binary distribution format" (file names) and "Platform compatibility tags" (manylinux).
 */
import type { KnownWheel } from '../../../shared/catalog/engines.ts';
import type { WheelPlatform } from './platform.ts';

/** The parts of a wheel's name. */
interface WheelName {
  /** Normalised: `nvidia-cublas`. */
  readonly project: string;
  readonly version: string;
  readonly pythons: readonly string[];
  readonly platforms: readonly string[];
}

/** Names from before manylinux had the version of glibc in it. */
const OLD_NAMES: ReadonlyMap<string, number> = new Map([
  ['manylinux1', 5],
  ['manylinux2010', 12],
  ['manylinux2014', 17],
]);
/** What wheels call the processors of `process.arch`. */
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** The name of a project as an index has it. */
export function normalised(project: string): string {
  return project.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Reads a file's name; undefined for what is not a wheel. */
export function parseWheelName(file: string): WheelName | undefined {
  const form = /^([A-Za-z0-9._]+)-([A-Za-z0-9._+!]+)(?:-\d[^-]*)?-([\w.]+)-([\w.]+)-([\w.]+)\.whl$/;
  const [, project, version, python, , platform] = form.exec(file) ?? [];
  if (project === undefined || version === undefined) return undefined;
  return {
    project: normalised(project),
    version,
    pythons: (python as string).split('.'),
    platforms: (platform as string).split('.'),
  };
}

/** How well a file is the wheel that is looked for: 0 for best, undefined for not at all. */
export function rankOf(file: string, known: KnownWheel, here: WheelPlatform): number | undefined {
  const name = parseWheelName(file);
  if (name === undefined || name.project !== normalised(known.project)) return undefined;
  if (name.version !== known.version) return undefined;
  if (!name.platforms.some((tag) => fitsPlatform(tag, here))) return undefined;
  if (name.pythons.includes('py3')) return 0;
  return known.python !== undefined && name.pythons.includes(known.python) ? 1 : undefined;
}

/** Whether a platform tag fits a machine. */
function fitsPlatform(tag: string, { machine, glibc }: WheelPlatform): boolean {
  if (tag === 'any') return true;
  const processor = PROCESSORS[machine];
  if (processor === undefined || !tag.endsWith(`_${processor}`)) return false;
  const system = tag.slice(0, -processor.length - 1);
  if (system === 'linux') return true;
  const [, major, minor] = /^manylinux_(\d+)_(\d+)$/.exec(system) ?? [];
  const needs = major === undefined ? [2, OLD_NAMES.get(system)] : [Number(major), Number(minor)];
  if (needs[1] === undefined) return false;
  return glibc[0] > (needs[0] as number) || (glibc[0] === needs[0] && glibc[1] >= needs[1]);
}
