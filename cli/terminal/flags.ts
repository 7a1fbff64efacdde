/** @file What the commands' flags are made of. Light: it is loaded for `--help`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseBytes } from '../../shared/core/units.ts';
import { variablesText } from '../variables/command.ts';
import { parseCount, parseDeviceList, parseDurationMs, parseWorkerCount } from './flag-values.ts';
import { COLOR_CHOICES } from './manners.ts';

/** Headings under which `tessera --help` lists the commands. */
export const GROUPS = {
  run: 'Train:',
  look: 'Look:',
  models: 'Models:',
  help: 'Help yourself:',
} as const;

/** Heading of the flags that all commands have. */
const MANNERS = 'How it speaks:';

/** Adds a command; commander hands the manners of its parent down to it. */
export function addCommand(
  parent: Command,
  usage: string,
  group: string,
  description: string,
): Command {
  return parent
    .command(usage)
    .description(description)
    .helpGroup(group)
    .helpCommand(false)
    .addHelpText('after', ({ command }) => variablesText(command));
}

/** Puts examples below a command's help. */
export function examples(target: Command, comment: string, lines: readonly string[]): void {
  const block = lines.map((line) => `  ${line}`).join('\n');
  target.addHelpText('after', `\nExamples:\n  # ${comment}\n${block}`);
}

/** Adds what a user should know of a command and no flag says. */
export function notes(target: Command, lines: readonly string[]): void {
  target.addHelpText('after', `\nNotes:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** Turns a parser that returns undefined into one that commander reports. */
function checked<T>(parse: (text: string) => T | undefined, expected: string) {
  return (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`expected ${expected}`);
    return value;
  };
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** Parser of a number of something that may also be left to us. */
export const parseCountOrAuto = checked(parseCount, 'a whole number from 1, or auto');

/** Parser of `--workers`. */
export const parseWorkers = checked(
  parseWorkerCount,
  'a whole number from 1, auto, or MIN:MAX such as 2:8',
);

/** Parser of `--devices`. */
export const parseDevices = checked(parseDeviceList, 'different numbers, such as 0,1,3');

/** Parser of a number of something. */
export const parseWholeCount = checked((text) => {
  const count = parseCount(text);
  return count === 'auto' ? undefined : count;
}, 'a whole number from 1');

/** Parser of `--port`. */
export const parsePort = checked(
  (text) => (/^\d{1,5}$/.test(text) && Number(text) <= 0xffff ? Number(text) : undefined),
  'a port from 0 to 65535',
);

/** Parser of `--restarts`. */
export const parseRestarts = checked(
  (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined),
  'a whole number from 0',
);

/** Parser of a duration, in milliseconds. */
export const parseDuration = checked(
  parseDurationMs,
  'a duration with its unit such as 500ms, 30s or 2m',
);

/** Parser of a size. */
export const parseSize = checked(
  (text) => parseBytes(text) || undefined,
  'a size with its unit, such as 8GiB or 500MiB',
);

/** A flag that may be given several times. */
export const listOption = (flags: string, description: string) =>
  new Option(flags, description).argParser(collect);

/** `--set`, of every command that reads a config. */
export const setOption = () =>
  listOption('--set <key=value>', 'Set a value of the config (may be repeated)');

/** What `--verbose` does where there is a log. */
export const LOG_MORE = 'Log more, and show where in the code an error comes from';

/** `--heads`, of every command that runs weights which may not state it. */
export const headsOption = () =>
  new Option('--heads <count>', 'Attention heads, for bare weights').argParser(parseWholeCount);

/** `--tta`, of commands that classify images. */
export const ttaOption = () =>
  new Option('--tta', 'Test-time augmentation: average with the mirror image, at twice the time');

/** `--weights-key`, of every command that reads weights. */
export const weightsKeyOption = () =>
  new Option('--weights-key <key>', 'Which model of a file that holds several, such as teacher');

/** `--verbose`, of every command. */
export const verboseOption = (what = 'Show where in the code an error comes from') =>
  new Option('-v, --verbose', what);

/** Adds `--quiet` and `--color` to every command below one, last of its flags. */
export function addManners(command: Command): void {
  for (const child of command.commands) {
    if (child.commands.length > 0) addManners(child);
    else {
      child
        .optionsGroup(MANNERS)
        .addOption(new Option('-q, --quiet', 'Say only results, warnings and errors'))
        .addOption(new Option('--color <when>', 'When to use colours').choices(COLOR_CHOICES));
    }
  }
}

/** `--json`, of every command with a result. */
export const jsonOption = () => new Option('--json', 'Print one JSON document on stdout');
