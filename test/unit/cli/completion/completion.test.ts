/** @file Completion in real shells: what they offer for a line, from the scripts that are printed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bashScript } from '../../../../cli/completion/bash.ts';
import { fishScript } from '../../../../cli/completion/fish.ts';
import { allTyped, typedTree } from '../../../../cli/completion/tree.ts';
import { zshScript } from '../../../../cli/completion/zsh.ts';
import { createProgram } from '../../../../cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-completion-'));
const tree = typedTree(createProgram({}), {
  presets: ['quickstart', 'fashion-mnist'],
  arguments: { 'data get': ['mnist'], help: ['photos'] },
});

beforeAll(() => {
  writeFileSync(join(folder, 'tessera.bash'), bashScript(tree));
  writeFileSync(join(folder, 'tessera.fish'), fishScript(tree));
  writeFileSync(join(folder, '_tessera'), zshScript(tree));
  mkdirSync(join(folder, 'runs', 'digits-1'), { recursive: true });
  mkdirSync(join(folder, 'my photos'));
  writeFileSync(join(folder, 'mine.yaml'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

function isThere(shell: string): boolean {
  const found = spawnSync(shell, ['--version']).status === 0;
  if (!found) process.stderr.write(`skipped: completion in ${shell}, which is not installed\n`);
  return found;
}

function linesOf(shell: string, args: readonly string[]): string[] {
  const env = { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb' };
  const { stdout, stderr } = spawnSync(shell, args, { cwd: folder, env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

/** What each shell offers for words, of which the last is being typed. */
const SHELLS: Readonly<Record<string, (words: readonly string[]) => string[]>> = {
  bash: (words) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const script = `. ./tessera.bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _tessera 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf('bash', ['--norc', '-c', script]);
  },
  fish: (words) => {
    const line = words.join(' ');
    const script = `source ./tessera.fish; complete -C '${line}'`;
    return linesOf('fish', ['--no-config', '-c', script]).map(
      (offer) => offer.split('\t')[0] ?? '',
    );
  },
  zsh: (words) => linesOf('zsh', ['-f', '-c', ZSH, 'zsh', words.join(' ')]),
};

/** A shell in a terminal of its own, whose completion prints each match instead of showing it. */
const ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PROMPT= RPROMPT=; stty -echo; setopt no_beep"
zpty -w z "autoload -Uz compinit; compinit -u -D; . ./_tessera"
zpty -w z 'compadd () { local -a found; if [[ \${@[(I)-(O|A|D)]} -ne 0 ]]; then builtin compadd "$@"; return; fi; builtin compadd -O found "$@"; for m in $found; do print -r -- "<<$m>>"; done; builtin compadd "$@" }'
zpty -w z 'show () { zle complete-word; print -r -- "<<END>>"; exit }; zle -N show; bindkey "^I" show; print "<<READY>>"'
zpty -r z before '*<<READY>>*'
zpty -w -n z "$1"$'\\t'
zpty -r z shown '*<<END>>*'
print -r -- $shown | tr -d '\\r' | grep -o '<<[^>]*>>' | sed 's/^<<//; s/>>$//' | grep -v '^END$' | sort -u
`;

/** What is typed, and some of what has to be offered; `not` must not be. */
const CASES: readonly (readonly [string, { readonly has: string[]; readonly not?: string[] }])[] = [
  ['tessera tr', { has: ['train'], not: ['status'] }],
  ['tessera runs ', { has: ['list', 'show', 'compare', 'rm'], not: ['train'] }],
  ['tessera train --run-', { has: ['--run-folder'], not: ['--json'] }],
  ['tessera train qu', { has: ['quickstart'] }],
  ['tessera status dig', { has: ['digits-1'] }],
  ['tessera weights convert --to ', { has: ['timm', 'onnx'] }],
  ['tessera data get ', { has: ['mnist'] }],
  ['tessera config check mi', { has: ['mine.yaml'] }],
];

const FOR_ZSH = /^tessera (?:runs |status|weights)/;

describe.each(Object.entries(SHELLS))('in %s', (shell, offered) => {
  // A zsh in a terminal of its own takes a second for each line.
  const cases = shell === 'zsh' ? CASES.filter(([line]) => FOR_ZSH.test(line)) : CASES;
  it.skipIf(!isThere(shell)).each(cases)('%s', (line, { has, not = [] }) => {
    const offers = offered(line.split(' '));
    expect(offers).toEqual(expect.arrayContaining(has));
    expect(offers.filter((offer) => not.includes(offer))).toEqual([]);
  });
});

it('knows what kind of value each flag and argument takes, or that it takes any', () => {
  const all = allTyped(tree).flatMap(({ path, flags, args }) => [
    ...flags.map((flag) => ({ name: `${path.join(' ')} ${flag.long}`, takes: flag.takes })),
    ...args.map(({ name, takes }) => ({ name: `${path.join(' ')} ${name}`, takes })),
  ]);
  const kindOf = (name: string) => all.find((each) => each.name === name)?.takes;
  expect(kindOf('train --json')).toBeUndefined();
  expect(kindOf('train --run-folder')?.files).toBe('folders');
  expect(kindOf('train folder-or-config')).toMatchObject({ files: 'files', runs: false });
  expect(kindOf('eval run-or-checkpoint')).toMatchObject({ files: 'files', runs: true });
  expect(kindOf('train --workers')).toMatchObject({ files: 'none', words: [], runs: false });
});
