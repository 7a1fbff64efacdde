/** @file Flags and help of `tessera coordinator`. */
import { type Command, Option } from 'commander';
import { addRunOptions } from '../run/flags.ts';
import { addCommand, examples, GROUPS, parseWorkers } from '../terminal/flags.ts';
import { setByVariables } from '../variables/command.ts';

/** Adds `tessera coordinator`. */
export function addCoordinator(program: Command): void {
  const coordinator = addCommand(
    program,
    'coordinator [config]',
    GROUPS.run,
    'Train with workers that join from elsewhere',
  )
    .optionsGroup('Workers:')
    .addOption(
      new Option(
        '--workers <min:max>',
        'Begin with MIN workers, take up to MAX (default: cluster.minWorkers)',
      ).argParser(parseWorkers),
    );
  addRunOptions(coordinator);
  examples(coordinator, 'Workers join it by its address', [
    'tessera certs init certs --host 10.0.0.1',
    'tessera coordinator quickstart --listen 10.0.0.1:50051 \\',
    '  --certs certs/coordinator',
    'tessera worker 10.0.0.1:50051 --certs certs/worker',
  ]);
  coordinator.action(async (config, options, command) =>
    (await import('./coordinator.ts')).runCoordinator({
      ...options,
      config,
      setByVariables: setByVariables(command),
    }),
  );
}
