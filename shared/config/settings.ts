/** @file Values from the command line and the environment, such as `training.epochs=2`, applied to a config's tree. */
import { isRecord } from '../core/text.ts';
import { parseValue } from './document.ts';
import { optionAt } from './explain.ts';
import { type PlacedProblem, unknownKey } from './problems.ts';

/** The source of a setting. */
export type SettingOrigin = 'env' | 'flag';

/** One value that replaces the file's value or, if null, removes it. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: SettingOrigin;
  /** For messages: `--set training.epochs`. */
  readonly place: string;
}

/** Settings in the order in which they apply, and the problems of the invalid ones. */
export interface ReadSettings {
  readonly settings: readonly Setting[];
  readonly problems: readonly PlacedProblem[];
}

const SOURCE_NAMES = { env: 'TESSERA_SET', flag: '--set' } as const;

/** Reads `path=value` texts; a value is YAML. `source` is what a message names. */
export function readSettings(
  texts: readonly string[],
  origin: SettingOrigin,
  source: string = SOURCE_NAMES[origin],
): ReadSettings {
  const settings: Setting[] = [];
  const problems: PlacedProblem[] = [];
  for (const text of texts) {
    const read = readSetting(text, origin, source);
    if ('sentence' in read) problems.push(read);
    else settings.push(read);
  }
  return { settings, problems };
}

/** Splits `a.b=1,c=[2,3]` at the commas that start another `path=`. */
export function splitSettings(text: string): readonly string[] {
  return text
    .split(/,(?=\s*[A-Za-z]\w*(?:\.\w+)*\s*=)/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A copy of `tree` with the settings applied; later ones override earlier ones. */
export function withSettings(
  tree: Readonly<Record<string, unknown>>,
  settings: readonly Pick<Setting, 'path' | 'value'>[],
): Record<string, unknown> {
  const copy = structuredClone(tree);
  for (const { path, value } of settings) assign(copy, path, value);
  return copy;
}

/** The setting that decided the value at a path: the last one of the path or of a section around it. */
export function settingOf(
  path: readonly (string | number)[],
  settings: readonly Setting[],
): Setting | undefined {
  return settings.findLast((setting) => setting.path.every((key, at) => path[at] === key));
}

function readSetting(text: string, origin: SettingOrigin, source: string): Setting | PlacedProblem {
  const equals = text.indexOf('=');
  const name = (equals === -1 ? text : text.slice(0, equals)).trim();
  const valueText = equals === -1 ? '' : text.slice(equals + 1).trim();
  const place = `${source} ${name}`;
  const path = name.split('.');
  if (name === '' || valueText === '') {
    const hint = 'such as training.epochs=2; a value of null removes the key';
    return { place, path: [], sentence: 'expected PATH=VALUE', hint };
  }
  const known = path.findIndex((_, at) => optionAt(path.slice(0, at + 1)) === undefined);
  if (known !== -1) return { ...unknownKey(path.slice(0, known + 1)), place };
  try {
    return { path, value: parseValue(valueText), origin, place };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { place, path, sentence: `not a value: ${reason}`, hint: 'quote it as YAML does' };
  }
}

/** The path is in the schema, so no key of it is `__proto__`. */
function assign(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const key = path.at(-1) as string;
  let section = tree;
  for (const name of path.slice(0, -1)) {
    const inner = section[name] ?? {};
    // The schema refuses a value in place of a section.
    if (!isRecord(inner)) return;
    section[name] = inner;
    section = inner;
  }
  if (value === null) delete section[key];
  else section[key] = value;
}

/** How many workers a run has: a number of them, as many as fit, or from so many up to so many. */
export type WorkerCount = number | 'auto' | { readonly min: number; readonly max: number };

/** The settings that a number of workers sets: a resumed run has them from its folder. */
export function workersSettings(count: WorkerCount | undefined): string[] {
  if (count === undefined) return [];
  if (typeof count !== 'object') return [`cluster.workers=${count}`];
  const range = [`cluster.minWorkers=${count.min}`, `limits.workersMax=${count.max}`];
  return ['cluster.workers=auto', ...range];
}

/** The settings that a list of devices sets. */
export function devicesSettings(devices: readonly number[] | undefined): string[] {
  return devices === undefined ? [] : [`compute.devices=[${devices.join(',')}]`];
}
