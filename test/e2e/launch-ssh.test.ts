/**
 * @file `tessera launch ssh` with a real ssh and a real sshd, on hosts in network namespaces. `npm run ssh` also takes a link
 * down for longer than ssh and the hosts wait, and lets npm install there.
 */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quotedWord } from '../../shared/core/text.ts';
import {
  SMALL_RUN,
  scratchFolder,
  TESSERA,
  type TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { packWithDependencies } from '../support/packed-whole.ts';
import { BANNER, SshHosts, sshHostsAreRefused } from '../support/ssh-hosts.ts';

const refused = sshHostsAreRefused();
if (refused !== undefined) process.stderr.write(`skipped: no hosts with sshd: ${refused}\n`);

const HEAD = 'head';
const NEAR = 'near';
const FAR = 'far';
const folder = scratchFolder();

const set = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);
const isWhole = process.env['SSH'] === 'all';
const EPOCHS = set('training.epochs=3', 'evaluation.everyEpochs=0');
/** A lost host is noticed soon. */
const SOON = set('cluster.silenceMs=2000', 'cluster.leaseMs=2000');
const SHUT_PORT = 7077;
const ENDLESS = set('training.epochs=100000', 'evaluation.everyEpochs=0');

describe.skipIf(refused !== undefined)('tessera launch ssh', () => {
  let hosts: SshHosts;

  beforeAll(async () => {
    hosts = new SshHosts(scratchFolder(), [NEAR, FAR]);
    await Promise.all([hosts.start(), sha256Alone()]);
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
    const run = launch(`${NEAR},${FAR}:1`, 'together', [...EPOCHS, '--json', '--verbose']);
    await run.printed(/\(2 workers\)[\s\S]*step +\d+\//);
    expect(hosts.startedOn(FAR).length).toBeGreaterThan(0);
    hosts.strike(FAR);
    const ended = await run.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/\[near\] \S/);
    expect(ended.stderr).toMatch(/host far ended with exit code 255: it closed the connection: /);
    expect(sha256(ended.stdout)).toBe(await sha256Alone());
    await hosts.empty();
    expect(credentialsLeft()).toEqual([]);
    await hosts.startOn(FAR);
  });

  it('leaves nothing on the hosts after Ctrl-C, when the launcher is killed, or its terminal closes', async () => {
    const words = [...TESSERA, ...line(FAR, 'closed', ENDLESS)].map(quotedWord).join(' ');
    const terminal = hosts.network.startProgram(HEAD, ['script', '-qec', words, '/dev/null']);
    const killed = launch(NEAR, 'killed', ENDLESS);
    await Promise.all([killed.printed(/step +\d+\//), terminal.printed(/\(1 worker\)/)]);
    expect(credentialsLeft()).toHaveLength(2);
    for (const each of [killed, terminal]) each.kill('SIGKILL');
    await Promise.all([killed.ended, terminal.ended]);
    await hosts.empty();
    const leftBefore = credentialsLeft();
    const stopped = launch(`${NEAR},${FAR}`, 'stopped', ENDLESS);
    await stopped.printed(/\(2 workers\)[\s\S]*step +\d+\//);
    stopped.kill('SIGINT');
    const { code, stderr } = await stopped.ended;
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/checkpoint\/step-\d+ written/);
    expect(stderr).toMatch(/launch ssh --hosts near,far [^\n]*--resume \S*stopped/);
    await hosts.empty();
    expect(credentialsLeft().filter((name) => !leftBefore.includes(name))).toEqual([]);
  });

  it.runIf(isWhole)('says that no host reaches the coordinator, and where each tried', async () => {
    hosts.network.drop(HEAD, SHUT_PORT);
    const { code, stderr } = await launch(`${NEAR},${FAR}`, 'shut', ['--port', String(SHUT_PORT)])
      .ended;
    expect(code, stderr).toBe(69);
    const where = `10\\.77\\.0\\.1:${SHUT_PORT}`;
    expect(stderr).toMatch(
      new RegExp(`cannot reach the coordinator \\(${where}: no answer.*--address.*--port`, 's'),
    );
    await hosts.empty();
  });

  it.runIf(isWhole)(
    'a link that is down to the end: the run continues, the bits are the same, the host cleans up by itself',
    async () => {
      const run = launch(`${NEAR},${FAR}`, 'cut', [...EPOCHS, '--json', ...SOON]);
      await run.printed(/\(2 workers\)[\s\S]*step +\d+\//);
      hosts.network.cut(FAR);
      const { code, stdout, stderr } = await run.ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/worker\/\S+ lost \(1 worker\)/);
      expect(sha256(stdout)).toBe(await sha256Alone());
      await hosts.emptyBesideSshd(FAR);
      hosts.network.mend(FAR);
      hosts.strike(FAR);
      await hosts.startOn(FAR);
    },
  );

  it.runIf(isWhole)(
    'a link that is silent for longer than ssh waits: the host is named, and computes again after it',
    async () => {
      const run = launch(`${NEAR},${FAR}`, 'silent', [...ENDLESS, ...SOON]);
      await run.printed(/\(2 workers\)[\s\S]*step +\d+\//);
      hosts.network.silence(FAR);
      await run.printed(/host far ended with exit code 255: it does not answer: .*starts again/);
      hosts.network.unsilence(FAR);
      await run.printed(/lost \(1 worker\)[\s\S]*joined \(2 workers\)/);
      run.kill('SIGINT');
      const { code, stderr } = await run.ended;
      expect(code, stderr).toBe(130);
      await hosts.empty();
    },
  );

  it.runIf(isWhole)('installs with the npm of the host only where it is asked to', async () => {
    const tarball = packWithDependencies(scratchFolder());
    const install = ['--install', '--package', tarball];
    const run = await launch('bare', 'installed', [...EPOCHS, ...install, '--json']).ended;
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/✔ bare: 1 worker, tessera/);
    expect(sha256(run.stdout)).toBe(await sha256Alone());
    // It is there now.
    const again = await launch('bare', 'again', [...EPOCHS, '--json']).ended;
    expect(again.code, again.stderr).toBe(0);
    await hosts.empty();
  });
});

function sha256(stdout: string): string {
  return JSON.parse(stdout).parametersSha256;
}

let alone: Promise<string> | undefined;

/** Of the same run on this machine, which is trained once. */
function sha256Alone(): Promise<string> {
  alone ??= (async () => {
    const how = ['--workers', '1', '--json', '--run-folder', join(folder, 'alone')];
    const { code, stdout, stderr } = await tessera(['train', ...SMALL_RUN, ...EPOCHS, ...how]);
    expect(code, stderr).toBe(0);
    return sha256(stdout);
  })();
  return alone;
}

function credentialsLeft(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('tessera-launch-'));
}
