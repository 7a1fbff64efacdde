/** @file A command whose flags may be set by variables, too. Light: it is loaded for `--help`. */
import { Command, type Option } from 'commander';
import { TesseraError } from '../../shared/core/errors.ts';
import { strayVariables, switchValue, valueIn, variableOf } from './names.ts';

/** The one flag that is read elsewhere: its variable holds several settings (shared/config/load.ts). */
const SETTINGS = 'set';
const WIDTH = 80;

/** A command of `tessera`; a flag that is typed comes before its variable. */
export class FlagCommand extends Command {
  readonly #env: Readonly<NodeJS.ProcessEnv>;

  constructor(name: string, env: Readonly<NodeJS.ProcessEnv>) {
    super(name);
    this.#env = env;
  }

  override createCommand(name = ''): FlagCommand {
    return new FlagCommand(name, this.#env);
  }

  override addOption(option: Option): this {
    const value = valueIn(this.#env, option.name());
    const isOn = takesValue(option) ? option.name() !== SETTINGS : switchValue(value ?? '');
    if (value !== undefined && isOn) option.env(variableOf(option.name()));
    return super.addOption(option);
  }

  /** Throws  USAGE for a variable of a switch that is neither yes nor no. */
  checkVariables(): void {
    for (const option of this.options) {
      const value = valueIn(this.#env, option.name());
      if (value === undefined || takesValue(option) || switchValue(value) !== undefined) continue;
      const name = variableOf(option.name());
      throw new TesseraError('USAGE', `${name} is ${JSON.stringify(value)}, neither yes nor no`, {
        hint: `--${option.name()} is a switch: give 1 or true, or 0 or false`,
      });
    }
  }

  /** What there is to say about variables that nothing reads, of a whole program. */
  get strays(): readonly string[] {
    return strayVariables(this.#env, flagsUnder(this));
  }
}

/** The options of a command whose values come from variables, by their names in code. */
export function setByVariables(command: Command): ReadonlySet<string> {
  const names = command.options.map((option) => option.attributeName());
  return new Set(names.filter((name) => command.getOptionValueSource(name) === 'env'));
}

/** The flags of a command that were typed, by their names. */
export function typedFlags(command: Command): readonly string[] {
  return command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map((option) => option.name());
}

/** The part of a command's help that lists its variables; '' where it has no flags. */
export function variablesText(command: Command): string {
  const names = command.options.map((option) => variableOf(option.name()));
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length >= WIDTH - 1) lines.push(`  ${name}`);
    else lines[lines.length - 1] = `${last} ${name}`;
  }
  return names.length === 0 ? '' : `\nVariables, in place of flags:\n${lines.join('\n')}`;
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function flagsUnder(command: Command): string[] {
  const own = command.options.map((option) => option.name());
  return [...own, ...command.commands.flatMap(flagsUnder)];
}
