/** @file Hosts with a real sshd in network namespaces, and the config of an ssh that knows them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { TESSERA } from './cluster.ts';

/** The name of a process; '' for one that has ended. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

const SSHD = '/usr/sbin/sshd';
const PROGRAMS = [SSHD, '/usr/bin/ssh', '/usr/bin/ssh-keygen', '/usr/bin/script'];
/** Ports of each sshd: with our tessera on the PATH, with another version of it, with none. */
const PORTS = { ours: 2222, old: 2223, none: 2224 } as const;
const SYSTEM_PATH = '/usr/bin:/bin';
/** Printed before anything else: by sshd, and by the account's shell on stdout. */
export const BANNER = 'Authorised use only. Permission denied to all others.';
const NOISE = 'echo "welcome back"; eval "$SSH_ORIGINAL_COMMAND"';
/** A host that is cut off ends its workers after a minute. */
const DEADLINE_MS = 100_000;

/** Why there can be no such hosts here, undefined when there can. */
export function sshHostsAreRefused(): string | undefined {
  const missing = PROGRAMS.filter((path) => !existsSync(path));
  if (missing.length > 0) return `there is no ${missing.join(', ')} (openssh-server)`;
  return networkIsRefused();
}

/** A launching machine `head`, and hosts with sshd, in a network of their own. */
export class SshHosts {
  readonly network: Network;
  /** What the launcher takes for ssh. */
  readonly ssh: string;
  readonly #hosts: readonly string[];
  readonly #folder: string;
  /** Processes that are there without a run. */
  readonly #own = new Map<string, readonly number[]>();

  constructor(folder: string, hosts: readonly string[]) {
    this.#folder = folder;
    this.#hosts = hosts;
    this.network = new Network(['head', ...hosts]);
    this.ssh = `ssh -F ${this.#path('ssh_config')}`;
    for (const name of ['ours', 'old']) mkdirSync(this.#path(name));
    const [node, main] = TESSERA;
    this.#program('ours', `exec ${node} ${main} "$@"`);
    this.#program('old', 'echo 0.0.9');
    for (const key of ['host_key', 'key', 'other_key']) {
      const words = ['-q', '-t', 'ed25519', '-N', '', '-f', this.#path(key)];
      execFileSync('/usr/bin/ssh-keygen', words);
    }
    writeFileSync(this.#path('banner'), `${BANNER}\n`);
    writeFileSync(this.#path('sshd_config'), this.#sshdConfig());
    writeFileSync(this.#path('ssh_config'), this.#sshConfig());
  }

  /** Starts each sshd. */
  async start(): Promise<void> {
    mkdirSync('/run/sshd', { recursive: true });
    await Promise.all(this.#hosts.map((host) => this.startOn(host)));
  }

  /** Starts that of one host, as a machine does that comes back. */
  async startOn(host: string): Promise<void> {
    const words = [SSHD, '-D', '-e', '-f', this.#path('sshd_config')];
    const sshd = this.network.startProgram(host, words);
    for (const port of Object.values(PORTS)) {
      await sshd.printed(new RegExp(`Server listening on 0\\.0\\.0\\.0 port ${port}`));
    }
    this.#own.set(host, this.network.pidsOf(host));
  }

  /** Processes that a launch has started on a host. */
  startedOn(host: string): number[] {
    return this.network.pidsOf(host).filter((pid) => !this.#own.get(host)?.includes(pid));
  }

  /** Resolves once nothing that a launch has started runs on any host. Throws  an Error with what still runs. */
  async empty(): Promise<void> {
    await this.#ended(() => this.#hosts.flatMap((host) => this.startedOn(host)));
  }

  /** The same of one host that is cut off, where sshd itself waits for the lost connection. */
  async emptyBesideSshd(host: string): Promise<void> {
    await this.#ended(() =>
      this.startedOn(host).filter((pid) => !['', 'sshd'].includes(nameOf(pid))),
    );
  }

  async #ended(left: () => readonly number[]): Promise<void> {
    const startedMs = performance.now();
    for (;;) {
      const now = left();
      if (now.length === 0) return;
      if (performance.now() - startedMs > DEADLINE_MS) {
        throw new Error(`left running: ${now.map((pid) => `${pid} ${nameOf(pid)}`).join(', ')}`);
      }
      await new Promise((later) => setTimeout(later, 50));
    }
  }

  /** Ends all that runs on a host, as a lost power line does. */
  strike(host: string): void {
    for (const pid of this.network.pidsOf(host)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended with one before it.
      }
    }
  }

  close(): void {
    for (const host of ['head', ...this.#hosts]) this.strike(host);
    this.network.close();
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #program(folder: string, line: string): void {
    const path = join(this.#path(folder), 'tessera');
    writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }

  #sshdConfig(): string {
    // What is installed there goes with the folder. npm is not to wait for a registry: the hosts reach none.
    const env = `SetEnv XDG_DATA_HOME=${this.#path('data')} npm_config_offline=true PATH=`;
    const path = (folder: string) => `${env}${this.#path(folder)}:${SYSTEM_PATH}`;
    return [
      ...Object.values(PORTS).map((port) => `Port ${port}`),
      'ListenAddress 0.0.0.0',
      `HostKey ${this.#path('host_key')}`,
      `AuthorizedKeysFile ${this.#path('key.pub')}`,
      `Banner ${this.#path('banner')}`,
      ...['StrictModes no', 'UsePAM no', 'PidFile none', 'PermitRootLogin yes'],
      `ForceCommand ${NOISE}`,
      `Match LocalPort ${PORTS.ours}`,
      path('ours'),
      `Match LocalPort ${PORTS.old}`,
      path('old'),
      `Match LocalPort ${PORTS.none}`,
      `${env}${SYSTEM_PATH}`,
      '',
    ].join('\n');
  }

  /** Beside the hosts: ones that refuse, each in its own way. */
  #sshConfig(): string {
    const [first = ''] = this.#hosts;
    const there = this.network.addressOf(first);
    const host = (name: string, ...lines: string[]) => [`Host ${name}`, ...lines].join('\n  ');
    // Not for all: keys add up.
    const key = `IdentityFile ${this.#path('key')}`;
    const hosts = this.#hosts.map((name) =>
      host(name, `HostName ${this.network.addressOf(name)}`, key),
    );
    const pins = [PORTS.ours, PORTS.old, PORTS.none].flatMap((port) =>
      this.#hosts.map((name) => `[${this.network.addressOf(name)}]:${port} ${this.#hostKey()}`),
    );
    writeFileSync(this.#path('known_hosts'), pins.join('\n'));
    return [
      ...hosts,
      host('stranger', `HostName ${there}`, 'UserKnownHostsFile /dev/null', key),
      host('locked', `HostName ${there}`, `IdentityFile ${this.#path('other_key')}`),
      host('old', `HostName ${there}`, `Port ${PORTS.old}`, key),
      host('bare', `HostName ${there}`, `Port ${PORTS.none}`, key),
      host('closed', `HostName ${there}`, 'Port 1', key),
      host(
        '*',
        `Port ${PORTS.ours}`,
        'User root',
        ...['IdentitiesOnly yes', 'IdentityAgent none', 'StrictHostKeyChecking yes'],
        ...[`UserKnownHostsFile ${this.#path('known_hosts')}`, 'GlobalKnownHostsFile /dev/null'],
      ),
      '',
    ].join('\n');
  }

  #hostKey(): string {
    const words = ['-y', '-f', this.#path('host_key')];
    return execFileSync('/usr/bin/ssh-keygen', words, { encoding: 'utf8' }).trim();
  }
}
