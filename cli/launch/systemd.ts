/** @file `tessera launch systemd`: a unit of systemd that runs a line of Tessera. */
import { userInfo } from 'node:os';
import { basename, dirname, extname, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemdUnit } from '../../launch/systemd/unit.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { currentFolder } from '../../shared/files/near-path.ts';
import { userCache } from '../../shared/files/user-cache.ts';
import { programWords } from '../terminal/command-text.ts';
import { print } from '../terminal/output.ts';

/** Commands that a service may run; `up` is meant where there is none. */
const COMMANDS: readonly string[] = ['up', 'coordinator', 'worker'];

/** Prints the unit. Throws  USAGE for words that the command would not take. */
export async function launchSystemd(
  given: readonly string[],
  { user, verbose }: { readonly user?: string; readonly verbose?: true },
  systemd: Command,
): Promise<void> {
  const line = COMMANDS.includes(given[0] ?? '') ? given : ['up', ...given];
  const [command = '', ...words] = line;
  const { operand, options } = parsed(command, words, systemd);
  const folder = currentFolder();
  const name = command === 'worker' ? 'worker' : basename(operand, extname(operand));
  const runFolder = textOf(options['runFolder']) ?? `runs/${name}`;
  const joinFolder = textOf(options['joinFolder']);
  const beside = [runFolder, joinFolder].map((path) => path && dirname(resolve(folder, path)));
  const repeats = command === 'coordinator' ? repeatable(options, runFolder) : [];
  const text = systemdUnit({
    name: `tessera-${name}`.replace(/[^\w.-]+/g, '-'),
    words: [...programWords(), ...line, ...repeats, ...(verbose ? ['--verbose'] : [])],
    folder,
    user: user ?? userInfo().username,
    writes: [
      ...new Set([...beside, ...(user === undefined ? [userCache(process.env)] : [])]),
    ].filter(
      (path) => path !== undefined && !resolve(path).startsWith(`${folder}/`) && path !== folder,
    ) as string[],
  });
  print(text.trimEnd().split('\n'));
}

/** What a coordinator needs so that its line is safe to repeat. */
function repeatable(options: Readonly<Record<string, unknown>>, runFolder: string): string[] {
  if (options['resume'] !== undefined) return [];
  return [
    ...(options['runFolder'] === undefined ? ['--run-folder', runFolder] : []),
    '--resume',
    'auto',
  ];
}

/** The words as that command reads them; it is not run. */
function parsed(name: string, words: readonly string[], systemd: Command) {
  const command = systemd.parent?.parent?.commands.find((one) => one.name() === name);
  const { operands, unknown } = command?.parseOptions([...words]) ?? { operands: [], unknown: [] };
  const [operand] = operands;
  const stray = unknown[0] ?? operands[1];
  if (operand === undefined || stray !== undefined) {
    const what =
      stray === undefined ? 'has nothing to run' : `does not take ${JSON.stringify(stray)}`;
    throw new TesseraError('USAGE', `tessera ${name} ${what}`, {
      hint: `its flags: tessera ${name} --help`,
    });
  }
  return { operand, options: command?.opts() ?? {} };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
