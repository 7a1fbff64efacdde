/** @file The unit of `launch systemd`, and what systemd itself reads in it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SystemdService, systemdUnit } from '../../../launch/systemd/unit.ts';
import { exitCodeRows } from '../../../shared/machine/exit-codes.ts';
import { hostileWords } from '../../support/hostile-words.ts';

const hasSystemd = existsSync('/usr/bin/systemd-analyze');
if (!hasSystemd) process.stderr.write('skipped: units by systemd-analyze, which is not here\n');

const SERVICE: SystemdService = {
  ...{ name: 'tessera-digits', user: 'root', writes: [] },
  words: ['/bin/true', 'up', 'quickstart'],
  folder: '/tmp',
};
const fieldOf = (unit: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

/** What systemd says of a unit: its complaints, and what it has read. */
function readBySystemd(unit: string) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-unit-'));
  const path = join(folder, 'tessera-test.service');
  writeFileSync(path, unit);
  const how = { encoding: 'utf8', env: { ...process.env, SYSTEMD_LOG_LEVEL: 'debug' } } as const;
  try {
    const read = execFileSync('systemd-analyze', ['verify', '--man=no', path], {
      ...how,
      stdio: 'pipe',
    });
    const line = /Command Line: (.*)/.exec(read)?.[1] ?? '';
    return { read, words: wordsOf(line) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words of a line as systemd prints it: quotes, and C's escapes with octal numbers. */
function wordsOf(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|[^ ]+/g) ?? [];
  const named: Record<string, string> = {
    n: '\n',
    t: '\t',
    r: '\r',
    a: '\x07',
    b: '\b',
    f: '\f',
    v: '\v',
  };
  return words.map((word) => {
    const inner = word.startsWith('"') ? word.slice(1, -1) : word;
    const bytes = inner.replace(/\\([0-7]{3}|.)|[^\\]+/g, (all, sign?: string) => {
      if (sign === undefined) return Buffer.from(all).toString('latin1');
      if (/^[0-7]{3}$/.test(sign)) return String.fromCharCode(Number.parseInt(sign, 8));
      return named[sign] ?? sign;
    });
    // systemd makes one of two when it starts the line.
    return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('$$', '$');
  });
}

describe('a systemd unit', () => {
  it('starts a line again by the table of exit codes', () => {
    const unit = systemdUnit(SERVICE);
    const codes = (wanted: string) =>
      exitCodeRows().flatMap(({ code, restart }) => (restart === wanted && code > 0 ? [code] : []));
    expect(fieldOf(unit, 'RestartForceExitStatus')).toBe(codes('always').join(' '));
    expect(fieldOf(unit, 'RestartPreventExitStatus')).toBe(codes('never').join(' '));
    expect(fieldOf(unit, 'Restart')).toBe('on-failure');
  });

  it.runIf(hasSystemd)(
    'is taken by systemd-analyze without a complaint, hostile names and all',
    () => {
      const unit = systemdUnit({
        ...SERVICE,
        words: [
          '/bin/true',
          'a b',
          '$HOME',
          '%n',
          '"',
          "'",
          '\\',
          '\n',
          '#',
          ';',
          '-x',
          'ä',
          '',
          `$\{X}`,
        ],
        folder: '/tmp',
        writes: ['/var/tmp', '/tmp/100 % photos'],
      });
      const { read, words } = readBySystemd(unit);
      expect(words).toEqual([
        ...[
          '/bin/true',
          'a b',
          '$HOME',
          '%n',
          '"',
          "'",
          '\\',
          '\n',
          '#',
          ';',
          '-x',
          'ä',
          '',
          `$\{X}`,
        ],
      ]);
      expect(read).toMatch(/ReadWritePaths: -\/tmp -\/var\/tmp -\/tmp\/100 % photos/);
    },
  );

  it.runIf(hasSystemd)('gives systemd every word as it was given', () => {
    const given = hostileWords(300, 19);
    const { words } = readBySystemd(systemdUnit({ ...SERVICE, words: ['/bin/true', ...given] }));
    expect(words.slice(1).filter((word, at) => word !== given[at])).toEqual([]);
    expect(words).toHaveLength(given.length + 1);
  });

  it('refuses a folder that a unit cannot name', () => {
    for (const folder of ['/tmp/a\nUser=root', '/tmp/"x"', '/tmp/x\\', '/tmp/x ']) {
      expect(() => systemdUnit({ ...SERVICE, folder })).toThrow(/cannot name the folder/);
    }
  });
});
