/** @file Flags that every launch of containers has. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  listOption,
  parseDuration,
  parseRestarts,
  parseSize,
  parseWholeCount,
  setOption,
} from '../../terminal/flags.ts';

/** Adds them; `source` is what a volume is of. */
export function addContainerFlags(target: Command, source: string): Command {
  return target
    .option('--print', 'Print the file on stdout (required: nothing is started from here)')
    .optionsGroup('Nodes:')
    .requiredOption('--image <image>', 'Image with tessera on its PATH')
    .addOption(
      new Option('--nodes <count>', 'Containers of the run').argParser(parseWholeCount).default(2),
    )
    .addOption(
      new Option('--workers <count>', 'Worker processes of each (default: as train)').argParser(
        parseWholeCount,
      ),
    )
    .addOption(
      new Option('--cpus <count>', 'Cores of each, such as 4 or 0.5')
        .argParser(parseCores)
        .default(4),
    )
    .addOption(
      new Option('--memory <size>', 'Memory of each')
        .argParser(parseSize)
        .default(8 * 2 ** 30, '8GiB'),
    )
    .addOption(
      new Option('--gpus <count>', 'NVIDIA GPUs of each').argParser(parseRestarts).default(0),
    )
    .addOption(
      new Option(
        '--grace <duration>',
        'Time to save before the kill (default: three saves)',
      ).argParser(parseDuration),
    )
    .addOption(
      listOption(`--volume <${source}:path>`, `Mount a ${source}; :ro behind it (may be repeated)`),
    )
    .optionsGroup('Run:')
    .option('--name <name>', "Name of the run there (default: the config's)")
    .addOption(setOption())
    .option('-y, --yes', 'Nodes download what the config names and they have not');
}

/** Kubernetes counts in thousandths of a core. */
function parseCores(text: string): number {
  const cores = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (cores === 0) throw new InvalidArgumentError('expected a number such as 4 or 0.5');
  return cores;
}
