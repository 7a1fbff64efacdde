/** @file Options that `train` and `coordinator` share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ADDRESS } from '../../shared/core/address.ts';
import { addServerSecurity } from '../connect/flags.ts';
import {
  jsonOption,
  LOG_MORE,
  parseDevices,
  parseDuration,
  parseWholeCount,
  parseWorkers,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';

/** `--workers`, of commands that start workers on this machine. */
export const localWorkersOption = () =>
  new Option(
    '--workers <count>',
    'Worker processes, auto, or MIN:MAX (default: cluster.workers)',
  ).argParser(parseWorkers);

/** `--devices`, of commands that choose for a run. */
export const devicesOption = () =>
  new Option(
    '--devices <numbers>',
    'GPUs, or shares of the threads on CPU, such as 0,1,3 (default: compute.devices)',
  ).argParser(parseDevices);

/** `--listen`, of commands that choose for a run. */
export const listenOption = () =>
  new Option('--listen <host:port>', 'Address to listen on (default: cluster.listen)');

/** `--time-limit`, of commands that train. */
export const timeLimitOption = () =>
  new Option(
    '--time-limit <duration>',
    'Save and end before so long, such as 2h (default: the end of the Slurm job)',
  ).argParser(parseDuration);

/** `--webhook` and `--notify`, of commands that train. */
export const noticeOptions = () => [
  new Option(
    '--webhook <address>',
    'Send a notice there at the end, a failure, a new best, an alarm (default: observe.webhook)',
  ),
  new Option('--notify', 'Say the same by a notification and the bell of the terminal'),
];

/** `--tensorboard`, of commands that train. */
export const tensorboardOption = () =>
  new Option(
    '--tensorboard <what>',
    'Files for TensorBoard in the run folder: off, figures, or all (default: observe.tensorboard)',
  ).choices(['off', 'figures', 'all']);

/** Adds where the page of a run is served. */
export function addPageOptions(target: Command): void {
  target
    .optionsGroup('Page:')
    .addOption(
      new Option(
        '--page <where>',
        'HOST:PORT of the live page and /metrics, or off (default: 127.0.0.1, any free port; off where TLS guards the run)',
      ).argParser(parsePage),
    );
}

function parsePage(text: string): string | false {
  if (text === 'off') return false;
  if (ADDRESS.test(text)) return text;
  throw new InvalidArgumentError('It is HOST:PORT, such as 127.0.0.1:8080, or off.');
}

/** Adds which run a command that trains begins or resumes. */
export function addRunGroup(target: Command): void {
  target
    .optionsGroup('Run:')
    .addOption(setOption())
    .option('--run-folder <folder>', 'Where the run is recorded (default: runs/NAME-TIME)')
    .option(
      '--resume [run-folder]',
      'Resume a run, with its own config (default: newest run); auto: that of --run-folder, or begin it there',
    )
    .addOption(
      new Option(
        '--more-epochs <count>',
        'With --resume: a new run that continues that one for so many epochs',
      ).argParser(parseWholeCount),
    )
    .addOption(timeLimitOption())
    .option('-y, --yes', 'Download what the config names and this machine has not');
}

/** Adds what `train` and `coordinator` have in common. */
export function addRunOptions(target: Command): void {
  addRunGroup(target);
  target.addOption(listenOption());
  addPageOptions(target);
  addServerSecurity(target);
  target.optionsGroup('Output:');
  for (const option of noticeOptions()) target.addOption(option);
  target.addOption(tensorboardOption());
  target.addOption(jsonOption()).addOption(verboseOption(LOG_MORE));
}
