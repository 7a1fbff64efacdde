/** @file Lines that are printed to be typed do what they say: a real shell reads them, the real commands know their flags. */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import {
  commandLine,
  type Invocation,
  pathWord,
  typable,
} from '../../../cli/terminal/command-text.ts';
import { harmless } from '../../../cli/terminal/output.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-command-line-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a shell makes of lines, each a list of words. */
function asRead(shell: string, lines: readonly string[]): string[][] {
  const script = `tessera() { for word; do printf '%s\\0' "$word"; done; printf '\\1\\0'; }\n${lines.join('\n')}\n`;
  const { stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8', cwd: folder });
  expect(stderr).toBe('');
  const said = stdout.split('\u0001\0').slice(0, -1);
  return said.map((words) => words.split('\0').slice(0, -1));
}

const INSTALLED: Invocation = { env: {}, script: undefined, node: '/usr/bin/node', folder };
const NAMES = [
  ...[
    'runs/a',
    'my runs/x',
    "it's",
    '"',
    "'",
    '\\',
    'a\\',
    '$HOME',
    '`id`',
    '$(id)',
    ['$', '{x}'].join(''),
    '~',
    '~/x',
  ],
  ...[
    '*',
    '?',
    '[a]',
    '{a,b}',
    '!',
    '!!',
    'a!b',
    '#',
    '#x',
    '=ls',
    '&',
    ';',
    '|',
    '<(x)',
    '>',
    '%s',
    '%%',
  ],
  ...[
    '',
    ' ',
    '  a  ',
    '-x',
    '--help',
    '-',
    'ö',
    '日本',
    '🙂',
    'a\u00a0b',
    '\u202eevil',
    '[::1]:50051',
  ],
  ...[
    'a\nb',
    '\n',
    '\na',
    'a\tb',
    '\u001b[31m',
    'a\rb',
    '\u0085',
    '\u007f',
    "\n'%s\\ -x$!`",
    '-\n',
    '%\n0',
  ],
];

describe('a line to type', () => {
  const shells = ['sh', 'bash', 'zsh'].filter(
    (shell) => spawnSync(shell, ['-c', 'true']).status === 0,
  );
  it.each(shells)('%s reads the words that it was made of', (shell) => {
    const lines = NAMES.map((name) => commandLine(['eval', name, 'x'], INSTALLED));
    // Nothing of a line changes when it is shown.
    expect(lines.map(harmless)).toEqual(lines);
    expect(asRead(shell, lines)).toEqual(
      // The same path: no shell keeps a new line at the end of what a command prints.
      NAMES.map((name) => ['eval', name.endsWith('\n') ? `${name}/` : name, 'x']),
    );
  });

  it('no path is taken for a flag', () => {
    expect(['-x', '--help', '-', 'a-b'].map(pathWord)).toEqual(['./-x', './--help', '-', 'a-b']);
  });

  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const script = join(folder, 'dist', 'cli', 'main.js');
  mkdirSync(join(folder, 'dist', 'cli'), { recursive: true });
  writeFileSync(script, '');
  symlinkSync(script, join(bin, 'tessera'));
  symlinkSync(process.execPath, join(bin, 'node'));
  const run = {
    npm_command: 'run',
    npm_lifecycle_event: 'tessera',
    npm_package_name: 'tessera-train',
  };
  const inModules = '/food/node_modules/.bin/tessera';
  it.each<[string, Partial<Invocation>, string]>([
    ['installed', { script: join(bin, 'tessera'), env: { PATH: bin } }, 'tessera doctor'],
    ['found through another path', { script, env: { PATH: bin } }, 'tessera doctor'],
    ['not on the PATH', { script: inModules }, `${inModules} doctor`],
    [
      'by node and its path',
      { script, env: { PATH: `/nowhere:${bin}` }, node: process.execPath, folder: '/' },
      'tessera doctor',
    ],
    ['by a node elsewhere', { script, node: '/my node/node' }, `'/my node/node' ${script} doctor`],
    ['by npx', { env: { npm_command: 'exec' } }, 'npx tessera doctor'],
    [
      'by npx, of a package with another name',
      { env: { npm_command: 'exec', npm_config_package: './t.tgz' } },
      'npx --package ./t.tgz tessera doctor',
    ],
    ['in a checkout', { env: run }, 'npm run --silent tessera -- doctor'],
    [
      'in a folder of a checkout',
      { env: { ...run, npm_config_local_prefix: '/a', INIT_CWD: '/a/b' } },
      'npm run --silent tessera -- doctor',
    ],
    [
      'outside of the checkout',
      { env: { ...run, npm_config_local_prefix: '/a b', INIT_CWD: '/c' } },
      "npm --prefix '/a b' run --silent tessera -- doctor",
    ],
    [
      'by a script of another package',
      { script: inModules, folder: '/food', env: { npm_lifecycle_event: 't', INIT_CWD: '/food' } },
      'npx tessera doctor',
    ],
    [
      'by a script of another package, from elsewhere',
      { script: inModules, folder: '/food', env: { npm_lifecycle_event: 't', INIT_CWD: '/x' } },
      'cd /food && npx tessera doctor',
    ],
    ['in a package of others', { env: { npm_package_name: 'food' } }, 'tessera doctor'],
  ])('begins as the program was called %s', (_how, invocation, line) => {
    expect(commandLine(['doctor'], { ...INSTALLED, ...invocation })).toBe(line);
  });

  it('in a hint too, once', () => {
    const npx = { ...INSTALLED, env: { npm_command: 'exec' } };
    expect(typable('tessera runs list shows them', npx)).toBe('npx tessera runs list shows them');
    expect(typable(`resume with: ${commandLine(['train', 'x'], npx)}`, npx)).toBe(
      'resume with: npx tessera train x',
    );
    expect(typable('in my-tessera train, or /opt/tessera train', npx)).not.toContain('npx');
    expect(typable('the version of tessera that trained it', npx)).not.toContain('npx');
  });

  it.each(createProgram().commands.map((command) => command.name()))('in a hint of %s', (name) => {
    const npx = { ...INSTALLED, env: { npm_command: 'exec' } };
    expect(typable(`type tessera ${name} now`, npx)).toBe(`type npx tessera ${name} now`);
  });
});

/** Every string of the source that has a command of tessera in it, placeholders for what is put in. */
function commandsInSource(): [string, string][] {
  const root = join(import.meta.dirname, '..', '..', '..');
  return ['cli', 'coordinator', 'worker', 'shared'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
      .flatMap((path) => {
        const code = readFileSync(join(root, top, path), 'utf8').replace(
          /^\s*(?:\/\*)?\*.*$/gm,
          '',
        );
        const commands = code.matchAll(
          /(?<![\w/.-])tessera ([a-z]+(?: (?!tessera )[^ '`"();|\\]+)*)/g,
        );
        return [...commands].map(([, words = '']): [string, string] => [
          join(top, path),
          words.replace(/\$\{[^}]*\}?/g, 'X').split(/[,:;] /, 1)[0] as string,
        ]);
      }),
  );
}

/** The command that some words begin with, and the words behind it; undefined when they are prose. */
function commandOf(words: readonly string[]): { command: Command; rest: string[] } | undefined {
  let command: Command = createProgram();
  let at = 0;
  for (; command.commands.length > 0; at += 1) {
    const next = command.commands.find((known) => known.name() === words[at]);
    if (next === undefined) break;
    command = next;
  }
  return at === 0 ? undefined : { command, rest: words.slice(at) };
}

/** A word of a command line, as opposed to the prose that goes on behind it. */
const ARGUMENT = /^(?:--?[a-z][\w-]*|[A-Z_.]+(?::[A-Z]+)?|[\w./*-]*[\d./*:-][\w./*:-]*|X|-)$/;

describe('commands in the texts of the source', () => {
  const found = commandsInSource().flatMap(([path, text]) => {
    const known = commandOf(text.trim().split(/\s+/));
    return known === undefined ? [] : [{ path, text, ...known }];
  });

  it('are found', () => {
    expect(found.length).toBeGreaterThan(60);
  });

  it('have flags and arguments that the commands take', () => {
    const faults = found.flatMap(({ path, text, command, rest }) =>
      faultsIn(command, rest).map((fault) => `${path}: tessera ${text}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });
});

/** What a command does not take of the words behind it, as far as they are not prose. */
function faultsIn(command: Command, words: readonly string[]): string[] {
  const faults: string[] = [];
  let numValues = 0;
  let at = 0;
  for (; at < words.length && ARGUMENT.test(words[at] as string); at += 1) {
    const word = words[at] as string;
    if (!word.startsWith('--')) {
      numValues += 1;
      continue;
    }
    const option = command.options.find(({ long }) => long === word);
    if (option === undefined) faults.push(`there is no ${word}`);
    // Its value may be any word.
    else if (option.required) at += 1;
  }
  const isTyped = at > 0;
  const needed = command.registeredArguments.filter(({ required }) => required).length;
  if (isTyped && numValues < needed) faults.push(`it needs ${needed} arguments`);
  if (isTyped && command.commands.length > 0) faults.push('it needs a command below');
  return faults;
}
