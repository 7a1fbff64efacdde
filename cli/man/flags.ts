/** @file Flags and help of `tessera man`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera man`. */
export function addMan(program: Command): void {
  const man = addCommand(
    program,
    'man [command...]',
    GROUPS.help,
    'Manual pages, as man(1) reads them',
  )
    .option('--out <folder>', 'Write all pages into this folder')
    .addOption(verboseOption());
  examples(man, 'Read one; install all for this account', [
    'tessera man train | man -l -',
    'tessera man --out ~/.local/share/man/man1',
  ]);
  man.action(async (words, options) => (await import('./man.ts')).runMan(program, words, options));
}
