/** @file What can be typed, from the command tree: subcommands, flags, and what kind of value each takes. Pure. */
import type { Argument, Command, Option } from 'commander';

/** What a value may be. Words are offered as they are; the rest is looked up in the shell. */
export interface Takes {
  readonly words: readonly string[];
  /** `run`: names of runs below ./runs. */
  readonly files: 'none' | 'files' | 'folders';
  readonly runs: boolean;
}

/** A flag. */
export interface TypedFlag {
  readonly long: string;
  readonly short: string | undefined;
  readonly description: string;
  /** undefined for a switch. */
  readonly takes: Takes | undefined;
  readonly placeholder: string;
  readonly repeats: boolean;
}

/** A command. */
export interface TypedCommand {
  /** `['runs', 'show']`; empty for the program. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly TypedCommand[];
  readonly flags: readonly TypedFlag[];
  readonly args: readonly {
    readonly name: string;
    readonly takes: Takes;
    readonly repeats: boolean;
  }[];
}

/** Names that the tree does not know: of arguments, by the command's path. */
export interface KnownNames {
  readonly presets: readonly string[];
  /** `weights get`: names of the catalogue. */
  readonly arguments: Readonly<Record<string, readonly string[]>>;
}

/** The tree that is to be completed. */
export function typedTree(
  command: Command,
  names: KnownNames,
  path: readonly string[] = [],
): TypedCommand {
  return {
    path,
    description: command.description(),
    commands: command.commands.map((child) => typedTree(child, names, [...path, child.name()])),
    flags: [...command.options.map((option) => flagOf(option, names)), HELP],
    args: command.registeredArguments.map((argument) => argumentOf(argument, path, names)),
  };
}

const HELP: TypedFlag = {
  ...{ long: '--help', short: '-h', description: 'Print this help', takes: undefined },
  ...{ placeholder: '', repeats: false },
};

function flagOf(option: Option, names: KnownNames): TypedFlag {
  const [, placeholder = ''] = /[<[]([^>\]]+)[>\]]$/.exec(option.flags) ?? [];
  const words = option.argChoices ?? [];
  const takesValue = option.required || option.optional;
  return {
    long: option.long ?? option.flags,
    short: option.short,
    description: option.description,
    takes: takesValue ? takesOf(placeholder, words, names) : undefined,
    placeholder: placeholder.replace(/\.\.\.$/, ''),
    repeats: option.variadic || option.long === '--set',
  };
}

function argumentOf(argument: Argument, path: readonly string[], names: KnownNames) {
  const words = names.arguments[path.join(' ')] ?? [];
  const takes = takesOf(argument.name(), words, names);
  return { name: argument.name(), takes, repeats: argument.variadic };
}

/** By the name that help gives a value: a rule for all that there are and will be. */
function takesOf(placeholder: string, words: readonly string[], { presets }: KnownNames): Takes {
  if (words.length > 0) return { words, files: 'none', runs: false };
  const parts = new Set(placeholder.replace(/\.\.\.$/, '').split(/[-.]/));
  const has = (...wanted: readonly string[]) => wanted.some((part) => parts.has(part));
  const isFile = has('file', 'path', 'image', 'images', 'out', 'checkpoint', 'model', 'config');
  // `--count <images>` and `--patch-size <pixels>` are numbers.
  const isCount = placeholder === 'images';
  return {
    words: has('config') ? presets : [],
    files: isFile && !isCount ? 'files' : has('folder') ? 'folders' : 'none',
    runs: has('run', 'checkpoint', 'model') && !has('folder'),
  };
}

/** Every command of a tree, the outer ones first. */
export function allTyped(command: TypedCommand): readonly TypedCommand[] {
  return [command, ...command.commands.flatMap(allTyped)];
}
