/** @file Signals and streams of the command itself: no debugger at SIGUSR1, no success for an answer that nobody got. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { WatchedProcess } from '../support/cluster.ts';

const DIST = resolve(import.meta.dirname, '../../dist');
const MAIN = join(DIST, 'cli/main.js');
const DEBUGGER = JSON.stringify(join(DIST, 'shared/machine/debugger.js'));

/** Runs code in a Node of its own, whose debugger takes any free port. */
function ended(code: string) {
  return new WatchedProcess([process.execPath, '-e', `process.debugPort = 0; ${code}`]).ended;
}

it('SIGUSR1 opens no debugger: it ends a process in which nobody else listens', async () => {
  const kill = `process.kill(process.pid, 'SIGUSR1'); setInterval(() => {}, 1000)`;
  const [alone, beside] = await Promise.all([
    ended(`import(${DEBUGGER}).then(() => { ${kill} })`),
    ended(
      `import(${DEBUGGER}).then(() => { process.on('SIGUSR1', () => process.exit(3)); ${kill} })`,
    ),
  ]);
  expect(alone).toMatchObject({ signal: 'SIGUSR1', stderr: '' });
  expect(beside).toMatchObject({ code: 3, stderr: '' });
});

it('a debugger that SIGUSR1 has opened before our first line ends the process with it', async () => {
  const { signal } = await ended(`
    process.kill(process.pid, 'SIGUSR1');
    const look = () => require('inspector').url() ? import(${DEBUGGER}) : setImmediate(look);
    look(); setInterval(() => {}, 1000);`);
  expect(signal).toBe('SIGUSR1');
});

it.each([
  ['a full disk', '--version > /dev/full', 'the disk is full'],
  ['a closed stdout', 'train --help >&-', 'it is closed'],
])('an answer to %s is an error', async (_, args, reason) => {
  const shell = ['sh', '-c', `"${process.execPath}" "${MAIN}" ${args}; exit $?`];
  const { code, stderr } = await new WatchedProcess(shell).ended;
  expect([code, stderr]).toEqual([73, expect.stringContaining(`answer to stdout: ${reason}`)]);
});

it('a reader that has gone ends it as SIGPIPE would, without words', async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += String(data)));
  const code = await new Promise((done) => child.on('close', done));
  expect([code, stderr]).toEqual([141, '']);
});
