/** @file `tessera completion SHELL`: a script with all that can be typed, so that completing starts no Node. */
import type { Command } from 'commander';
import { KNOWN_ENGINES } from '../../shared/catalog/engines.ts';
import { catalogNames } from '../../shared/catalog/find.ts';
import { presetNames } from '../../shared/config/load.ts';
import { TOPICS } from '../help/topics.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { Shell } from './shells.ts';
import { type KnownNames, type TypedCommand, typedTree } from './tree.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS: Readonly<Record<Shell, (tree: TypedCommand) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Prints the script of a shell. */
export async function runCompletion(program: Command, shell: Shell): Promise<void> {
  process.stdout.write(SCRIPTS[shell](typedTree(program, await knownNames(program))));
}

async function knownNames(program: Command): Promise<KnownNames> {
  const engines = KNOWN_ENGINES.map(({ name }) => name);
  return {
    presets: await presetNames(),
    arguments: {
      'data get': catalogNames('data'),
      'weights get': catalogNames('weights'),
      'engines add': engines,
      'engines remove': engines,
      'engines test': engines,
      help: [...TOPICS.map(({ name }) => name), ...program.commands.map((each) => each.name())],
    },
  };
}
