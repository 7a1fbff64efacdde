/** @file The place of a node in a Slurm job. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { expandNodeList } from './node-list.ts';
import type { NodePlace } from './place.ts';

/**
 * The place of the task that has these variables.
 *
 * The first node is the first of the step's: never the host that has submitted the job (SLURM_LAUNCH_NODE_IPADDR). Its
 * task with the local number 0 is the first, however the tasks are distributed.
 *
 * Throws  USAGE outside of a task, and for a list of nodes that cannot be read.
 */
export function slurmPlace(env: Readonly<NodeJS.ProcessEnv>): NodePlace {
  const job = env['SLURM_JOB_ID'] ?? '';
  const step = env['SLURM_STEP_NODELIST'];
  const list = step || env['SLURM_JOB_NODELIST'] || env['SLURM_NODELIST'];
  const node = numberIn(env, 'SLURM_NODEID');
  const task = numberIn(env, 'SLURM_PROCID');
  if (list === undefined || (node === undefined && task === undefined)) {
    throw new TesseraError('USAGE', `this is not a task of the Slurm job ${job}`, {
      hint: 'start it by srun: srun --ntasks-per-node=1 tessera up CONFIG',
    });
  }
  const names = expandNodeList(list);
  const local = numberIn(env, 'SLURM_LOCALID') ?? 0;
  const isFirst = node === undefined ? task === 0 : node === 0 && local === 0;
  const isAlone = names.length === 1 && (numberIn(env, 'SLURM_NTASKS') ?? 1) === 1;
  return {
    by: 'slurm',
    isFirst,
    first: isAlone ? undefined : names[0],
    count: names.length,
    job,
    life: `${job}.${env['SLURM_RESTART_COUNT'] ?? 0}`,
    warnings: [
      ...(names.length > 1 && !step
        ? [
            `the job has ${names.length} nodes and this is its batch script, which runs on one: put srun --ntasks-per-node=1 before the line`,
          ]
        : []),
      ...(local > 0
        ? [
            'there are several tasks on this node: one is enough (--ntasks-per-node=1), unless each has devices of its own',
          ]
        : []),
    ],
  };
}

function numberIn(env: Readonly<NodeJS.ProcessEnv>, name: string): number | undefined {
  const text = env[name] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
