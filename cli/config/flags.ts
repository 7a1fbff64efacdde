/** @file Flags and help of `tessera config`. */
import type { Command } from 'commander';
import { devicesOption, listenOption, localWorkersOption } from '../run/flags.ts';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';
import { setByVariables } from '../variables/command.ts';

/** Adds `tessera config`. */
export function addConfig(program: Command): void {
  const config = addCommand(program, 'config', GROUPS.help, 'Look at and check configs');
  const show = addCommand(
    config,
    'show [config]',
    'Commands:',
    'Every value of a config; without one, every option there is',
  )
    .option('--origin', 'Say where each value comes from')
    .addOption(setOption())
    .addOption(localWorkersOption())
    .addOption(devicesOption())
    .addOption(listenOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(show, 'What a run would use, and why', ['tessera config show quickstart --origin']);
  show.action(async (name, options, command) =>
    (await import('./config.ts')).showConfig({
      ...options,
      config: name,
      setByVariables: setByVariables(command),
    }),
  );
  const schema = addCommand(
    config,
    'schema',
    'Commands:',
    'The JSON Schema of a config file, for editors',
  ).addOption(verboseOption());
  examples(schema, 'Completion and checks while you type', [
    'tessera config schema > tessera.schema.json',
    '# then, as the first line of a config:',
    '# yaml-language-server: $schema=./tessera.schema.json',
  ]);
  schema.action(async () => (await import('./config.ts')).showSchema());
  const check = addCommand(
    config,
    'check <config...>',
    'Commands:',
    'Say whether configs are sound, and their data and weights here',
  )
    .addOption(setOption())
    .addOption(verboseOption());
  examples(check, 'Every config of a folder', ['tessera config check configs/*.yaml']);
  check.action(async (names, options) =>
    (await import('./config.ts')).checkConfigs({ ...options, names }),
  );
}
