/** @file The group `tessera launch`: each scheduler adds its command. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';
import { addLaunchCompose } from './compose/flags.ts';
import { addLaunchKubernetes } from './kubernetes/flags.ts';

/** Adds `tessera launch` and what is below it. */
export function addLaunch(program: Command): void {
  const launch = addCommand(
    program,
    'launch',
    GROUPS.run,
    'Start the nodes of a run on the machines of others',
  );
  examples(launch, 'On Kubernetes', [
    'tessera launch kubernetes quickstart --print --image IMAGE \\',
    '  | kubectl apply -f -',
  ]);
  addLaunchKubernetes(launch);
  addLaunchCompose(launch);
}
