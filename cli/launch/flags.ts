/** @file Flags and help of `tessera launch`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS } from '../terminal/flags.ts';
import { addLaunchCompose } from './compose/flags.ts';
import { addLaunchKubernetes } from './kubernetes/flags.ts';
import { addSlurm } from './slurm-flags.ts';
import { addLaunchHost, addLaunchSsh } from './ssh-flags.ts';
import { addSystemd } from './systemd-flags.ts';

/** Adds `tessera launch` and its commands, one for each way to start the nodes of a run. */
export function addLaunch(program: Command): void {
  const launch = addCommand(
    program,
    'launch',
    GROUPS.run,
    'Start the nodes of a run on the machines of others',
  );
  examples(launch, 'Two machines that ssh reaches; two nodes of a Slurm cluster; on Kubernetes', [
    'tessera launch ssh --hosts gpu1,gpu2 quickstart',
    'tessera launch slurm quickstart --nodes 2',
    'tessera launch kubernetes quickstart --print --image IMAGE \\',
    '  | kubectl apply -f -',
  ]);
  addLaunchSsh(launch);
  addSlurm(launch);
  addLaunchKubernetes(launch);
  addLaunchCompose(launch);
  addSystemd(launch);
  addLaunchHost(launch);
}
