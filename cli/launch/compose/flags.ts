/** @file Flags and help of `tessera launch compose`. */
import type { Command } from 'commander';
import { addCommand, examples, verboseOption } from '../../terminal/flags.ts';
import { addContainerFlags } from '../containers/flags.ts';

/** Adds `tessera launch compose`. */
export function addLaunchCompose(launch: Command): void {
  const compose = addCommand(
    launch,
    'compose <config>',
    'Commands:',
    'Print a file for Docker Compose',
  );
  addContainerFlags(compose, 'folder')
    .option('--run-folder <folder>', 'Where runs are kept on that machine (default: ./runs)')
    .optionsGroup('Output:')
    .addOption(verboseOption());
  examples(compose, 'Two containers with a GPU each', [
    'mkdir -p runs',
    'tessera launch compose quickstart --print --image IMAGE --gpus 1 \\',
    '  > compose.yaml',
    'docker compose up',
  ]);
  compose.action(async (config, options) =>
    (await import('./compose.ts')).launchCompose({ ...options, config }),
  );
}
