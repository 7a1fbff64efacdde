/** @file `tessera launch` and what is below it. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';
import { addLaunchHost, addLaunchSsh } from './ssh-flags.ts';

/** Adds `tessera launch`. */
export function addLaunch(program: Command): void {
  const launch = addCommand(program, 'launch', GROUPS.run, 'Start a run on other machines');
  examples(launch, 'Two machines that ssh reaches', [
    'tessera launch ssh --hosts gpu1,gpu2 quickstart',
  ]);
  addLaunchSsh(launch);
  addLaunchHost(launch);
}
