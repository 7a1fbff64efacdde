/** @file Flags and help of `tessera launch slurm`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { slurmTime } from '../../launch/slurm/time.ts';
import {
  addCommand,
  examples,
  jsonOption,
  LOG_MORE,
  listOption,
  notes,
  parseWholeCount,
  verboseOption,
} from '../terminal/flags.ts';
import { addUpFlags } from './up-flags.ts';

/** Adds `tessera launch slurm`. */
export function addSlurm(launch: Command): void {
  const slurm = addCommand(launch, 'slurm <folder-or-config>', 'Commands:', 'Submit a Slurm job')
    .optionsGroup('Job:')
    .addOption(
      new Option('--nodes <count>', 'Nodes of the job').argParser(parseWholeCount).default(1),
    )
    .addOption(count('--gpus-per-node <count>', 'GPUs of each node (default: none are asked for)'))
    .addOption(
      count(
        '--cpus-per-node <count>',
        'Cores of each node (default: as the cluster says, often 1)',
      ),
    )
    .option('--partition <name>', "Partition of the cluster (default: the cluster's)")
    .option('--account <name>', 'Account to charge (default: your own)')
    .addOption(
      new Option(
        '--time <limit>',
        "Time limit of each start, as Slurm writes it or such as 12h (default: the partition's)",
      ).argParser(parseTime),
    )
    .addOption(
      listOption(
        '--sbatch <option>',
        'Another option of sbatch, such as qos=high (may be repeated)',
      ),
    );
  addUpFlags(slurm);
  slurm
    .optionsGroup('Output:')
    .option('--print', 'Print the batch script, and submit nothing')
    .addOption(jsonOption())
    .addOption(verboseOption(LOG_MORE));
  notes(slurm, [
    'Each node runs tessera up. Before the time limit, and when it is preempted,',
    'the run saves; the job is queued again and continues. scancel ends it for',
    'good. The nodes share the current folder.',
  ]);
  examples(slurm, 'Two nodes of four GPUs; the script alone', [
    'tessera launch slurm quickstart --nodes 2 --gpus-per-node 4 --time 12h',
    'tessera launch slurm quickstart --nodes 2 --print > job.sh',
  ]);
  slurm.action(async (config, options) =>
    (await import('./slurm.ts')).launchSlurm({ ...options, config }),
  );
}

function count(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseWholeCount);
}

function parseTime(text: string) {
  const time = slurmTime(text);
  if (time === undefined) {
    throw new InvalidArgumentError('expected a time such as 12h, 90 (minutes), 2:00:00 or 1-12');
  }
  return time;
}
