/** @file `tessera config`: look at configs, check them, list every option. */
import { explainConfig } from '../shared/config/explain.ts';
import { loadConfig } from '../shared/config/load.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { optionLines, valueLines } from './config-view.ts';
import { describeError, print, printJson } from './talk.ts';

/** Flags of `config show`. */
export interface ShowConfigOptions {
  readonly config?: string;
  readonly set?: string[];
  readonly origin?: true;
  readonly json?: true;
}

/** Shows every value of a config, or every option that a config may have. Throws  CONFIG_INVALID. */
export async function showConfig(options: ShowConfigOptions): Promise<void> {
  if (options.config === undefined) {
    const explained = explainConfig();
    if (options.json) printJson({ schema: 'config-options/1', options: explained });
    else print(optionLines(explained));
    return;
  }
  const loaded = await loadConfig(options.config, { set: options.set ?? [] });
  if (options.json) {
    const origins = options.origin ? { origins: Object.fromEntries(loaded.origins) } : {};
    printJson({ schema: 'config/1', path: loaded.path, config: loaded.config, ...origins });
    return;
  }
  print(valueLines(loaded.config, options.origin ? loaded.origins : undefined));
}

/** Checks configs one by one, so that one run of it shows the faults of all. Throws  CONFIG_INVALID. */
export async function checkConfigs(names: readonly string[]): Promise<void> {
  const errors: TesseraError[] = [];
  for (const name of names) {
    try {
      const { path } = await loadConfig(name, {});
      print([`✔ ${path}`]);
    } catch (thrown) {
      errors.push(TesseraError.from(thrown));
    }
  }
  const last = errors.pop();
  for (const error of errors) process.stderr.write(describeError(error, { stack: false }));
  if (last !== undefined) throw last;
}
