/** @file Flags and help of `tessera up`. */
import { type Command, Option } from 'commander';
import {
  addPageOptions,
  devicesOption,
  localWorkersOption,
  noticeOptions,
  tensorboardOption,
  timeLimitOption,
} from '../run/flags.ts';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  LOG_MORE,
  notes,
  parseDuration,
  parsePort,
  parseRestarts,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';
import { setByVariables } from '../variables/command.ts';

/** Adds `tessera up`. */
export function addUp(program: Command): void {
  const up = addCommand(
    program,
    'up <folder-or-config>',
    GROUPS.run,
    'Train on several machines: the same line on each, any number of times',
  )
    .optionsGroup('Nodes:')
    .option(
      '--nodes <names>',
      'The nodes, the first one first, such as a,b or n[1-4] (default: those of Slurm or Kubernetes)',
    )
    .addOption(
      new Option(
        '--node-index <number>',
        'Which of --nodes this one is, from 0 (default: by its names and addresses)',
      ).argParser(parseRestarts),
    )
    .option(
      '--service <name>',
      'Headless Service of the Kubernetes Job (default: by the name of the pod)',
    )
    .addOption(
      new Option(
        '--port <port>',
        'Port of the first node (default: any free one that the join folder says, else 50051)',
      ).argParser(parsePort),
    )
    .option(
      '--join-folder <folder>',
      'Credentials of the nodes, in a folder that all see (default: .join/NAME beside the run folder)',
    )
    .addOption(
      new Option(
        '--reconnect <duration>',
        'How long to look for a first node that is not there (default: 30m)',
      ).argParser(parseDuration),
    )
    .optionsGroup('Workers, of each node:')
    .addOption(localWorkersOption())
    .addOption(devicesOption())
    .optionsGroup('Run:')
    .addOption(setOption())
    .option(
      '--run-folder <folder>',
      'Where the run is recorded (default: runs/NAME or runs/NAME-JOB)',
    )
    .addOption(timeLimitOption())
    .option('-y, --yes', 'Download what the config names and this machine has not');
  addPageOptions(up);
  up.optionsGroup('Security:')
    .option('--insecure', 'Plaintext, open to all who reach the port')
    .optionsGroup('Output:');
  for (const option of noticeOptions()) up.addOption(option);
  up.addOption(tensorboardOption());
  up.addOption(jsonOption()).addOption(verboseOption(LOG_MORE));
  notes(up, [
    'The first node coordinates and computes, the others compute. A run that is in',
    'the run folder continues; one that is done says what it came to.',
  ]);
  examples(up, 'In a Slurm job; on three machines that share a disk', [
    'srun --ntasks-per-node=1 tessera up quickstart',
    'tessera up quickstart --nodes gpu1,gpu2,gpu3',
  ]);
  up.action(async (config, options, command) => {
    process.exitCode = await (await import('./up.ts')).runUp({
      ...options,
      config,
      setByVariables: setByVariables(command),
    });
  });
}
