/**
 * @file Loads a config: defaults, the file, the environment and the command line; later values override earlier ones.
 *
 * The only reader of settings in the environment. `TESSERA_SET` holds the same settings as `--set`,
 * with commas between: TESSERA_SET="training.epochs=2,seed=7".
 */

import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, reasonOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { isRecord } from '../core/text.ts';
import { formatBytes } from '../core/units.ts';
import { nearPath } from '../files/near-path.ts';
import { readRegularFile } from '../files/regular-file.ts';
import { type ConfigDocument, parseConfigDocument } from './document.ts';
import { fittingConfig, openOptions } from './fitting.ts';
import { type ConfigInput, placeInputs } from './inputs.ts';
import { importConfig, isConfigModule } from './module.ts';
import { type ConfigProblem, configError, type PlacedProblem, schemaProblems } from './problems.ts';
import { checkConfig } from './rules.ts';
import {
  type PlannedConfig,
  plannedSchema,
  type RunConfig,
  type RunConfigInput,
} from './schema.ts';
import {
  readSettings,
  type Setting,
  type SettingOrigin,
  settingOf,
  splitSettings,
  withSettings,
} from './settings.ts';

/** The source of a value. */
type Origin = 'default' | 'file' | SettingOrigin;

/** A validated config and its sources. */
export interface LoadedConfig<Config extends PlannedConfig = PlannedConfig> {
  /** Its paths are absolute. */
  readonly config: Config;
  /** The data set and the weights that it names, found or not. */
  readonly inputs: readonly ConfigInput[];
  /** Absolute path of the file; '' for a config that a program has made. */
  readonly path: string;
  /** The file's folder, or the current one. */
  readonly baseFolder: string;
  /** The source of each value, by its dotted path (`training.epochs`). */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** Values that override a config file. */
export interface LoadOptions {
  /** `path=value` texts of `--set`. */
  readonly set?: readonly string[];
  /** Those of other variables than TESSERA_SET, by the variable. */
  readonly variables?: readonly { readonly name: string; readonly set: readonly string[] }[];
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

const FILE_BYTES_MAX = 1024 ** 2;

// `require.resolve` resolves the package's "imports" from the sources, from dist/ and under vitest.
const presetFolder = dirname(createRequire(import.meta.url).resolve('#configs/quickstart.yaml'));

/**
 * Loads the config file at a path, or a preset by its bare name.
 *
 * Throws  CONFIG_INVALID with every problem, each with its file and line, or its flag; with the detail `isFile: false`
 *         when there is neither such a file nor such a preset.
 */
export async function loadConfig(
  nameOrPath: string,
  options: LoadOptions = {},
): Promise<LoadedConfig> {
  const { path, label } = await findConfig(nameOrPath);
  const document = isConfigModule(path)
    ? await importConfig(path, label)
    : parseConfigDocument(await readText(path, label), label);
  return completed(document, path, options);
}

/**
 * Loads a config that a program has made; its paths are relative to the current folder.
 *
 * Throws  CONFIG_INVALID as `loadConfig` does.
 */
export function loadObject(tree: RunConfigInput, options: LoadOptions = {}): LoadedConfig {
  return completed({ tree: { ...tree }, placeOf: () => 'config' }, '', options);
}

/** A copy of a config, which is sent to workers. Throws  CONFIG_INVALID when that cannot be. */
function plainValues(written: ConfigDocument['tree'], place: string): ConfigDocument['tree'] {
  try {
    return structuredClone(written);
  } catch (cause) {
    const { sentence } = TesseraError.from(cause);
    throw new TesseraError('CONFIG_INVALID', `${place}: ${sentence}`, {
      hint: 'a config has values only, no functions: every worker gets a copy of it',
      cause,
    });
  }
}

/** A config with settings over it, checked, its paths absolute. */
function completed(
  { tree: written, placeOf }: ConfigDocument,
  path: string,
  { env = process.env, set = [], variables = [] }: LoadOptions,
): LoadedConfig {
  const fromEnv = readSettings(splitSettings(env['TESSERA_SET'] ?? ''), 'env');
  const fromVariables = variables.map((one) => readSettings(one.set, 'env', one.name));
  const all = [fromEnv, ...fromVariables, readSettings(set, 'flag')];
  const settings = all.flatMap((one) => one.settings);
  const tree = withSettings(plainValues(written, placeOf([])), settings);
  const parsed = parseTree(tree, {
    problems: all.flatMap((one) => one.problems),
    placeOf: (problemPath) => settingOf(problemPath, settings)?.place ?? placeOf(problemPath),
  });
  const baseFolder = path === '' ? process.cwd() : dirname(path);
  const origins = originsOf(parsed, { tree, settings });
  const { config, inputs } = placeInputs(parsed, {
    folderOf: (option) => (origins.get(option) === 'file' ? baseFolder : process.cwd()),
    env,
  });
  return { config, inputs, path, baseFolder, origins };
}

/**
 * A config with the settings of `--set` applied; a new path is relative to the current folder.
 *
 * Throws  CONFIG_INVALID as `loadConfig` does.
 */
export function applySettings(config: RunConfig, set: readonly string[]): RunConfig {
  const { settings, problems } = readSettings(set, 'flag');
  const changed = parseTree(withSettings(config, settings), {
    problems,
    placeOf: (path) => settingOf(path, settings)?.place ?? 'config',
  });
  const isSet = (option: string) => settingOf(option.split('.'), settings) !== undefined;
  return placeInputs(settled(changed), {
    folderOf: (option) => (isSet(option) ? process.cwd() : undefined),
    env: process.env,
  }).config;
}

/** A config that is not of a new run. Throws  CONFIG_INVALID where one of its numbers is still to be found. */
export function settled(planned: PlannedConfig): RunConfig {
  const [open] = openOptions(planned);
  if (open === undefined) return fittingConfig(planned, { samples: 1 });
  throw new TesseraError(
    'CONFIG_INVALID',
    `${open}: what fits is found when a run begins, and this is not a new run`,
    { hint: `give a number with --set ${open}=NUMBER` },
  );
}

/** Names of the configs that come with the package. */
export async function presetNames(): Promise<readonly string[]> {
  const files = await readdir(presetFolder);
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

async function findConfig(nameOrPath: string): Promise<{ path: string; label: string }> {
  const presets = await presetNames();
  if (presets.includes(nameOrPath)) {
    const path = join(presetFolder, `${nameOrPath}.yaml`);
    return { path, label: nearPath(path) };
  }
  const path = resolve(nameOrPath);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && found.size <= FILE_BYTES_MAX) return { path, label: nameOrPath };
  const meant = nearest(basename(nameOrPath).replace(/\.ya?ml$/, ''), presets);
  const wanted = `give the path of a YAML file or of a module, or a preset: ${presets.join(', ')}`;
  throw new TesseraError('CONFIG_INVALID', refusal(nameOrPath, found), {
    hint: found?.isDirectory()
      ? 'tessera init FOLDER writes a config for a folder of images'
      : `${meant === undefined ? '' : `did you mean ${meant}? `}${wanted}`,
    details: { isFile: found?.isFile() ?? false },
  });
}

function refusal(
  name: string,
  found: { readonly size: number; isFile(): boolean } | undefined,
): string {
  if (found === undefined) return `there is no folder or file ${name}, nor a preset of this name`;
  if (!found.isFile()) return `${name} is not a file`;
  return `${name} has ${formatBytes(found.size)}; a config file has at most ${formatBytes(FILE_BYTES_MAX)}`;
}

async function readText(path: string, label: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      await readRegularFile(path, FILE_BYTES_MAX),
    );
  } catch (error) {
    if (error instanceof TypeError) {
      throw new TesseraError(
        'CONFIG_INVALID',
        `${label} is not a config file: it is not UTF-8 text`,
        {
          hint: 'give a config in YAML, or a folder of images; an archive is unpacked first',
          cause: error,
        },
      );
    }
    const isSystem = errnoOf(error) !== '';
    throw new TesseraError('CONFIG_INVALID', `cannot read ${label}: ${reasonOf(error)}`, {
      hint: isSystem ? 'check its permissions, and the disk' : 'a config file is YAML text',
      cause: error,
    });
  }
}

interface TreeContext {
  /** Problems found earlier. */
  readonly problems: readonly PlacedProblem[];
  placeOf(path: ConfigProblem['path']): string;
}

/** Checks the schema and, if it holds, the rules. Throws  CONFIG_INVALID. */
function parseTree(tree: unknown, { problems, placeOf }: TreeContext): PlannedConfig {
  const parsed = plannedSchema.safeParse(tree);
  const found = parsed.success
    ? checkConfig(parsed.data)
    : schemaProblems(parsed.error.issues, tree);
  const all = [
    ...problems,
    ...found.map((problem) => ({ ...problem, place: placeOf(problem.path) })),
  ];
  if (parsed.success && all.length === 0) return parsed.data;
  throw configError(all);
}

function originsOf(
  config: PlannedConfig,
  given: { readonly tree: unknown; readonly settings: readonly Setting[] },
): ReadonlyMap<string, Origin> {
  const origins = new Map<string, Origin>();
  const visit = (value: unknown, givenValue: unknown, path: readonly string[]): void => {
    if (!isRecord(value)) {
      const origin = settingOf(path, given.settings)?.origin ?? 'file';
      origins.set(path.join('.'), givenValue === undefined ? 'default' : origin);
      return;
    }
    const givenSection = isRecord(givenValue) ? givenValue : {};
    for (const [key, member] of Object.entries(value)) {
      visit(member, givenSection[key], [...path, key]);
    }
  };
  visit(config, given.tree, []);
  return origins;
}
