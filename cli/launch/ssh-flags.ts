/** @file Flags and help of `tessera launch ssh`, and of what it starts on a host. */
import { type Command, Option } from 'commander';
import { addPageOptions, addRunGroup } from '../run/flags.ts';
import {
  addCommand,
  examples,
  jsonOption,
  LOG_MORE,
  notes,
  parseDevices,
  parsePort,
  parseWorkers,
  verboseOption,
} from '../terminal/flags.ts';
import { setByVariables } from '../variables/command.ts';

/** Adds `tessera launch ssh`. */
export function addLaunchSsh(launch: Command): void {
  const ssh = addCommand(
    launch,
    'ssh [folder-or-config]',
    'Commands:',
    'Train on machines that ssh reaches',
  )
    .optionsGroup('Hosts:')
    .requiredOption(
      '--hosts <hosts>',
      'A hostfile (HOST slots=2 a line), or a list such as gpu1,gpu2:4,n[1-4]',
    )
    .addOption(workersOption())
    .addOption(devicesOption())
    .option('--install', 'Install this version by npm on hosts that have another or none')
    .option('--package <package>', 'What --install gives to npm (default: tessera-train@VERSION)')
    .option('--remote-tessera <path>', 'Where tessera is on the hosts (default: on their PATH)')
    .option('--ssh <command>', 'The ssh command, such as "ssh -F FILE"', 'ssh')
    .option(
      '--address <host>',
      'Name or address of this machine for the hosts (default: as they see it)',
    )
    .addOption(
      new Option('--port <port>', 'Port of the coordinator (default: any free one)').argParser(
        parsePort,
      ),
    );
  addRunGroup(ssh);
  addPageOptions(ssh);
  ssh.optionsGroup('Output:').addOption(jsonOption()).addOption(verboseOption(LOG_MORE));
  notes(ssh, [
    'ssh asks no question: keys, jump hosts and ports come from ~/.ssh/config. The',
    'host localhost needs no ssh. All that was started ends with this command.',
  ]);
  examples(ssh, 'Two hosts; a hostfile, and this machine too', [
    'tessera launch ssh --hosts gpu1,gpu2 quickstart',
    'tessera launch ssh --hosts hosts.txt quickstart --set training.epochs=2',
    'tessera launch ssh --hosts localhost,gpu1 quickstart --run-folder runs/a \\',
    '  --resume auto',
  ]);
  ssh.action(async (config, options, command) =>
    (await import('./ssh.ts')).runLaunchSsh({
      ...options,
      config,
      setByVariables: setByVariables(command),
    }),
  );
}

/** Adds `tessera launch host`. */
export function addLaunchHost(launch: Command): void {
  const host = addCommand(launch, 'host', 'Commands:', 'What launch ssh starts on a host')
    .addOption(workersOption())
    .addOption(devicesOption())
    .addOption(verboseOption());
  examples(host, 'People do not type it; launch ssh does', ['tessera launch host --workers 2']);
  host.action(async (options) => {
    process.exitCode = await (await import('./host.ts')).runHost(options);
  });
}

const workersOption = () =>
  new Option(
    '--workers <count>',
    'Workers of a host without slots: a number, auto, or MIN:MAX (default: auto)',
  ).argParser(parseWorkers);

const devicesOption = () =>
  new Option(
    '--devices <numbers>',
    'GPUs of each host, or shares of the threads on CPU, such as 0,1 (default: all)',
  ).argParser(parseDevices);
