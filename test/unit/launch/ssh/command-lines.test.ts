/** @file The command lines of ssh and of the shell on a host, in the shells that are here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostArgs, remoteCommand, sshWords } from '../../../../launch/ssh/command-lines.ts';
import { readHostLine } from '../../../../launch/ssh/protocol.ts';

const HOST = { name: 'gpu1', slots: undefined };
const COMMAND = {
  ...{ version: '1.2.3', remote: undefined, install: undefined },
  ...{ workers: 'auto', devices: undefined },
};

/** A home, and programs on a PATH. */
function place(programs: Readonly<Record<string, string>>): { home: string; bin: string } {
  const home = mkdtempSync(join(tmpdir(), 'host-'));
  const bin = join(home, 'bin');
  mkdirSync(bin);
  for (const [name, line] of Object.entries(programs)) program(join(bin, name), line);
  return { home, bin };
}

function program(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

const NODE = 'echo v20.20.2';
const TESSERA = (version: string) => `[ "$1" = --version ] && echo ${version} || echo "runs $0 $*"`;

/** Runs the command line of a host as sshd does: by the account's shell. */
function run(shell: string, line: string, { home, bin }: { home: string; bin: string }) {
  const env = {
    ...{ HOME: home, PATH: `${bin}:/usr/bin:/bin`, SHELL: '/bin/sh' },
    SSH_CONNECTION: '10.0.0.1 4000 10.0.0.2 22',
  };
  const { status, stdout } = spawnSync(shell, ['-c', line], { env, encoding: 'utf8', input: '' });
  const [first = '', ...rest] = stdout.trim().split('\n');
  return { status, found: readHostLine(first), rest: rest.join('\n') };
}

const shells = ['sh', 'bash', 'dash', 'zsh', 'fish', 'tcsh'].filter((shell) => {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

describe('the command line of a host', () => {
  it.each(shells)('says what is there, and becomes tessera of our version, by %s', (shell) => {
    const there = place({ node: NODE, tessera: TESSERA('1.2.3') });
    const { found, rest } = run(shell, remoteCommand(COMMAND, HOST), there);
    expect(found).toEqual({ type: 'found', node: 'v20.20.2', tessera: '1.2.3', from: '10.0.0.1' });
    expect(rest).toBe(`runs ${there.bin}/tessera launch host --workers auto`);
  });

  it('starts no other version, and says that there is none', () => {
    const line = remoteCommand(COMMAND, HOST);
    const old = run('sh', line, place({ node: NODE, tessera: TESSERA('1.2.2') }));
    expect(old).toMatchObject({ status: 76, found: { tessera: '1.2.2' }, rest: '' });
    const none = run('sh', line, place({ node: NODE }));
    expect(none).toMatchObject({ status: 76, found: { tessera: 'absent' }, rest: '' });
    const broken = run('sh', line, place({ node: NODE, tessera: 'exit 1' }));
    expect(broken).toMatchObject({ status: 76, found: { tessera: 'none' }, rest: '' });
  });

  it('takes the path that is given, also below the home', () => {
    const there = place({ node: NODE });
    program(join(there.home, 'other'), TESSERA('1.2.3'));
    const { rest } = run('sh', remoteCommand({ ...COMMAND, remote: '~/other' }, HOST), there);
    expect(rest).toContain(`runs ${there.home}/other launch host`);
  });

  it('installs only when it is to, once, into a folder of the version', () => {
    const npm =
      'echo "npm $*"; mkdir -p "$3/node_modules/.bin"; cp "$HOME/new" "$3/node_modules/.bin/tessera"';
    const there = place({ node: NODE, npm, tessera: TESSERA('1.2.2') });
    program(join(there.home, 'new'), TESSERA('1.2.3'));
    const line = remoteCommand({ ...COMMAND, install: 'tessera-train@1.2.3' }, HOST);
    const folder = join(there.home, '.local/share/tessera/1.2.3');
    for (const time of ['first', 'second']) {
      const { found, rest } = run('sh', line, there);
      expect(found, time).toMatchObject({ tessera: '1.2.3' });
      expect(rest).toBe(`runs ${folder}/node_modules/.bin/tessera launch host --workers auto`);
    }
  });

  it.each([
    ['a path', { remote: "x'; rm -rf ~; '" }],
    ['a path that is an option', { remote: '-x' }],
    ['a package', { install: '$(date)' }],
  ])('refuses %s that a shell would read', (_, odd) => {
    expect(() => remoteCommand({ ...COMMAND, ...odd }, HOST)).toThrow(/in its own way/);
  });

  it('has the workers of the host before those of all', () => {
    expect(hostArgs({ ...COMMAND, devices: '0,1' }, { ...HOST, slots: 2 })).toEqual([
      ...['launch', 'host', '--workers', '2', '--devices', '0,1'],
    ]);
  });
});

describe('the command line of ssh', () => {
  it('asks nothing, and takes no host for an option', () => {
    const words = sshWords(['ssh', '-F', 'x'], HOST, 'true');
    expect(words.slice(0, 4)).toEqual(['ssh', '-F', 'x', '-T']);
    expect(words).toContain('BatchMode=yes');
    expect(words.slice(-3)).toEqual(['--', 'gpu1', 'true']);
  });
});
