/** @file Flags of `tessera up` that a launcher hands on to it. */
import { type Command, Option } from 'commander';
import { devicesOption, localWorkersOption } from '../run/flags.ts';
import { parseDuration, parsePort, setOption } from '../terminal/flags.ts';

/** Adds them. */
export function addUpFlags(target: Command): void {
  target
    .optionsGroup('Workers, of each node:')
    .addOption(localWorkersOption())
    .addOption(devicesOption())
    .optionsGroup('Run:')
    .addOption(setOption())
    .option(
      '--run-folder <folder>',
      'Where the run is recorded (default: runs/NAME or runs/NAME-JOB)',
    )
    .option('-y, --yes', 'Download what the config names and this machine has not')
    .optionsGroup('Nodes:')
    .addOption(
      new Option(
        '--port <port>',
        'Port of the first node (default: any free one that the join folder says)',
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
    .option('--insecure', 'Plaintext, open to all who reach the port');
}
