/** @file Flags and help of `tessera estimate`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICE_NAMES } from '../../tools/estimate/devices.ts';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  notes,
  parseDuration,
  parseWholeCount,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';

const UNITS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** Bytes a second of `10Gb/s` (bits) or `1.25GB/s` (bytes). */
export function parseBandwidth(text: string): number {
  const [, value, unit = '', kind] = /^(\d+(?:\.\d+)?)([kMGT])([bB])\/s$/.exec(text) ?? [];
  const bytes = (Number(value) * (UNITS[unit] ?? Number.NaN)) / (kind === 'b' ? 8 : 1);
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError('expected a bandwidth such as 10Gb/s (bits) or 1.25GB/s (bytes)');
}

/** A number of images, which may be a large one. */
function parseSamples(text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1');
}

/** Adds `tessera estimate`. */
export function addEstimate(program: Command): void {
  const estimate = addCommand(
    program,
    'estimate <config>',
    GROUPS.look,
    'What a step of a run would take: time, memory, and the best setting',
  )
    .addOption(setOption())
    .addOption(
      new Option(
        '--workers <count>',
        'Workers (default: those of the config here, 1 elsewhere)',
      ).argParser(parseWholeCount),
    )
    .addOption(
      new Option(
        '--device <name>',
        'A device that is not here (default: what is here, measured)',
      ).choices(DEVICE_NAMES),
    )
    .addOption(
      new Option('--devices <count>', 'With --device: devices of a worker (default: 1)').argParser(
        parseWholeCount,
      ),
    )
    .addOption(
      new Option(
        '--bandwidth <rate>',
        'Workers on machines of their own: the link of each, such as 10Gb/s',
      ).argParser(parseBandwidth),
    )
    .addOption(
      new Option('--latency <time>', 'With --bandwidth: a round trip, such as 1ms').argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option('--classes <count>', 'Number of classes (default: those of the data)').argParser(
        parseWholeCount,
      ),
    )
    .addOption(
      new Option('--samples <count>', 'Training images (default: those of the data)').argParser(
        parseSamples,
      ),
    )
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(estimate, 'This machine; four machines with a GPU each', [
    'tessera estimate quickstart',
    'tessera estimate vit-b16-imagenet --classes 1000 --samples 1281167 \\',
    '  --workers 4 --device h100 --bandwidth 10Gb/s --latency 1ms',
  ]);
  notes(estimate, [
    'It runs the coordinator with workers that wait in place of computing, and',
    'a few leaves of the model: a minute on a machine that does nothing else.',
  ]);
  estimate.action(async (config, options) =>
    (await import('./estimate.ts')).runEstimate({ ...options, config }),
  );
}
