/** @file `tessera config`: look at configs, check them, list every option. */
import { absentNames, getCommand, requireInputs } from '../../shared/config/absent-inputs.ts';
import { configJsonSchema, explainConfig } from '../../shared/config/explain.ts';
import { type LoadedConfig, loadConfig } from '../../shared/config/load.ts';
import { withoutSecrets } from '../../shared/config/observe.ts';
import { checkAgainstData, resolveModel } from '../../shared/config/rules.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { FoundSource } from '../../shared/data/found.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { firstParameters } from '../../shared/runs/checkpoint/first-parameters.ts';
import { foundLines } from '../inputs/found-lines.ts';
import { inputLines } from '../inputs/inputs.ts';
import { type SettingFlags, settingsOf } from '../run/settings.ts';
import { typable } from '../terminal/command-text.ts';
import { describeError, pointer, print, printJson, printSchema, say } from '../terminal/output.ts';
import { optionLines, valueLines } from './config-view.ts';

/** Flags of `config show`. */
export interface ShowConfigOptions extends SettingFlags {
  readonly config?: string;
  readonly origin?: true;
  readonly json?: true;
}

/** Flags of `config check`. */
export interface CheckConfigsOptions {
  readonly names: readonly string[];
  readonly set?: string[];
}

/** Shows every value of a config, or every option that a config may have. Throws  CONFIG_INVALID. */
export async function showConfig(options: ShowConfigOptions): Promise<void> {
  if (options.config === undefined) {
    const explained = explainConfig();
    if (options.json) printJson({ schema: 'config-options/1', options: explained });
    else print(optionLines(explained));
    return;
  }
  const loaded = await loadConfig(options.config, settingsOf(options));
  if (options.json) {
    const origins = options.origin ? { origins: Object.fromEntries(loaded.origins) } : {};
    const { path, inputs } = loaded;
    const config = withoutSecrets(loaded.config);
    printJson({ schema: 'config/1', path, config, inputs, ...origins });
    return;
  }
  print(valueLines(withoutSecrets(loaded.config), options.origin ? loaded.origins : undefined));
  for (const line of inputLines(loaded.inputs)) say(line);
  const absent = absentNames(loaded.inputs);
  if (absent.length > 0) say(pointer('missing', typable(`to get it: ${getCommand(absent)}`)));
}

/** Prints the schema of a config file. */
export function showSchema(): void {
  printSchema(configJsonSchema);
}

/** Opens the data and weights of a config, as a run does, and returns its data set. Throws  as a run does. */
async function openInputs({ config, baseFolder }: LoadedConfig): Promise<FoundSource> {
  const source = await openDataSource(config.data, { seed: config.seed, baseFolder });
  checkAgainstData(config, source);
  if (config.model.init === undefined) return source;
  const model = resolveModel(config, source.classes.length);
  await firstParameters(config, model, { classes: source.classes, baseFolder });
  return source;
}

/**
 * Checks configs one by one, so that one run of it shows the faults of all: what they say, and whether the data and
 * weights that they name are here and fit.
 *
 * Throws  CONFIG_INVALID, DATA_INVALID, CHECKPOINT_MISMATCH: the last one, after the others were shown.
 */
export async function checkConfigs(options: CheckConfigsOptions): Promise<void> {
  const errors: TesseraError[] = [];
  for (const name of options.names) {
    try {
      const loaded = await loadConfig(name, { set: options.set ?? [] });
      requireInputs(loaded.inputs);
      const data = await openInputs(loaded);
      print([`✔ ${loaded.path}`, ...inputLines(loaded.inputs), ...foundLines(data)]);
    } catch (thrown) {
      errors.push(TesseraError.from(thrown));
    }
  }
  const last = errors.pop();
  for (const error of errors) process.stderr.write(describeError(error, { stack: false }));
  if (last !== undefined) throw last;
}
