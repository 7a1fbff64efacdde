/** @file Flags and help of `tessera launch`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';
import { addSlurm } from './slurm-flags.ts';
import { addSystemd } from './systemd-flags.ts';

/** Adds `tessera launch` and its commands, one for each scheduler. */
export function addLaunch(program: Command): void {
  const launch = addCommand(
    program,
    'launch',
    GROUPS.run,
    'Start a run by a scheduler, which repeats it until it is done',
  );
  examples(launch, 'Two nodes of a Slurm cluster', ['tessera launch slurm quickstart --nodes 2']);
  addSlurm(launch);
  addSystemd(launch);
}
