/** @file `tessera launch ssh` with a real ssh and a real sshd, on hosts in network namespaces. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  TESSERA,
  type TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { BANNER, SshHosts, sshHostsAreRefused } from '../support/ssh-hosts.ts';

const refused = sshHostsAreRefused();
if (refused !== undefined) process.stderr.write(`skipped: no hosts with sshd: ${refused}\n`);

const HEAD = 'head';
const NEAR = 'near';
const FAR = 'far';
const folder = scratchFolder();

const set = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);
const ENDLESS = set('training.epochs=100000', 'evaluation.everyEpochs=0');

describe.skipIf(refused !== undefined)('tessera launch ssh', () => {
  let hosts: SshHosts;

  beforeAll(async () => {
    hosts = new SshHosts(scratchFolder(), [NEAR, FAR]);
    await hosts.start();
  });

  afterAll(() => hosts?.close());

  function line(names: string, name: string, more: readonly string[]): string[] {
    const where = ['--hosts', names, '--ssh', hosts.ssh, '--run-folder', join(folder, name)];
    return ['launch', 'ssh', ...where, '--workers', '1', ...SMALL_RUN, ...more];
  }

  function launch(names: string, name: string, more: readonly string[] = []): TesseraProcess {
    return hosts.network.start(HEAD, line(names, name, more));
  }

  it('says of each host that cannot take part why, and begins nothing then', async () => {
    const all = [NEAR, 'stranger', 'locked', 'old', 'bare', 'closed'];
    const { code, stdout, stderr } = await launch(all.join(','), 'refused').ended;
    expect(code, stderr).toBe(77);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/✔ near: 1 worker, tessera \S+, Node v\d+/);
    expect(stderr).toMatch(/✖ stranger: its host key is not known here/);
    expect(stderr).toMatch(/✖ locked: it accepts no key of ours[^\n]*: root@10\.77\.0\.2: Perm/);
    expect(stderr).toMatch(/✖ old: it has tessera 0\.0\.9, and this is/);
    expect(stderr).toMatch(/✖ bare: there is no tessera on its PATH/);
    expect(stderr).toMatch(/✖ closed: nothing listens there for ssh/);
    expect(stderr).toMatch(/5 of 6 hosts cannot take part: stranger, locked, old, bare, closed/);
    expect(stderr).not.toContain(BANNER);
    expect(stderr).not.toContain('welcome back');
    await hosts.empty();
  });

  it('continues when a host dies, names it with its last words, and has the bits of one machine', async () => {
    const epochs = set('training.epochs=10', 'evaluation.everyEpochs=0');
    const run = launch(`${NEAR},${FAR}:1`, 'together', [...epochs, '--json', '--verbose']);
    await run.printed(/\(2 workers\)[\s\S]*step +\d+\//);
    expect(hosts.startedOn(FAR).length).toBeGreaterThan(0);
    hosts.strike(FAR);
    const ended = await run.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/\[near\] \S/);
    expect(ended.stderr).toMatch(/host far ended with exit code 255: it closed the connection: /);
    const alone = ['--workers', '1', '--json', '--run-folder', join(folder, 'alone')];
    const expected = await tessera(['train', ...SMALL_RUN, ...epochs, ...alone]);
    expect(expected.code, expected.stderr).toBe(0);
    const sha256 = (stdout: string) => JSON.parse(stdout).parametersSha256;
    expect(sha256(ended.stdout)).toBe(sha256(expected.stdout));
    await hosts.empty();
    expect(credentialsLeft()).toEqual([]);
  });

  it('leaves nothing on the hosts when the launcher is killed, or its terminal closes', async () => {
    const killed = launch(NEAR, 'killed', ENDLESS);
    await killed.printed(/step +\d+\//);
    const [key = ''] = credentialsLeft();
    expect(key).not.toBe('');
    killed.kill('SIGKILL');
    await killed.ended;
    await hosts.empty();
    const words = [...TESSERA, ...line(NEAR, 'closed', ENDLESS)];
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const terminal = hosts.network.startProgram(HEAD, ['script', '-qec', quoted, '/dev/null']);
    await terminal.printed(/\(1 worker\)/);
    terminal.kill('SIGKILL');
    await terminal.ended;
    await hosts.empty();
  });
});

function credentialsLeft(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('tessera-launch-'));
}
