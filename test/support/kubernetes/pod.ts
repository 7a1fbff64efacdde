/**
 * @file A pod without a cluster: a network, host name and process namespace, a read-only root with the mounts of the
 * manifest, its user, no capabilities. Needs root.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { quotedWord } from '../../../shared/core/text.ts';
import { TESSERA, WatchedProcess } from '../cluster.ts';
import type { PodEnd } from './job-rules.ts';
import type { Manifest, Volume } from './manifest.ts';

const REPO = resolve(import.meta.dirname, '../../..');
/** What the image has beside the machine's own folders. */
const IMAGE = '/image';
const NUMBERS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15 };
/** Folders of the machine that a pod does not see. */
const HIDDEN = new Set(['tmp', 'proc', 'dev', 'tessera', 'image', 'lost+found', 'root', 'home']);

/** What a pod is made of. */
export interface PodParts {
  readonly manifest: Manifest;
  readonly name: string;
  readonly index: number;
  /** A folder of this pod alone. */
  readonly scratch: string;
  /** The folder behind each claim. */
  readonly claims: Readonly<Record<string, string>>;
  /** The words that lead into its network. */
  readonly through: readonly string[];
  /** Written by the test, also while the pod runs. */
  readonly hostsFile: string;
}

/** A pod that runs. */
export class Pod {
  readonly process: WatchedProcess;
  readonly ended: Promise<PodEnd>;
  readonly #parts: PodParts;
  #isKilled = false;

  constructor(parts: PodParts) {
    this.#parts = parts;
    mkdirSync(join(parts.scratch, 'root'), { recursive: true });
    const script = join(parts.scratch, 'start.sh');
    writeFileSync(script, podScript(parts));
    const spaces = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
    this.process = new WatchedProcess([...parts.through, 'unshare', ...spaces, 'sh', '-e', script]);
    this.ended = this.process.ended.then(({ code, signal }) => ({
      // unshare 2.38 has code 1 of its own where its child was ended by SIGKILL.
      code: (this.#isKilled ? undefined : code) ?? 128 + (NUMBERS[signal ?? 'SIGKILL'] ?? 0),
    }));
  }

  /** Sends a signal to the container's first process; with SIGKILL all of its processes end. */
  kill(signal: NodeJS.Signals): void {
    this.#isKilled ||= signal === 'SIGKILL';
    const { workingPid, child } = this.process;
    if (workingPid !== undefined && workingPid !== child.pid) process.kill(workingPid, signal);
    else if (signal === 'SIGKILL') this.process.kill(signal);
  }

  /** As the kubelet does at the end of a Job. */
  end(): void {
    this.kill('SIGTERM');
  }

  /** Runs a command in the container, as `kubectl exec` and exec probes do. */
  exec(command: readonly string[]): { readonly code: number | null; readonly output: string } {
    const target = ['--target', String(this.process.workingPid), '--all', '--root', '--wd'];
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      [...target, ...asUser(this.#parts), ...command],
      { encoding: 'utf8' },
    );
    return { code: status, output: stdout + stderr };
  }
}

/** Why there can be no pods here; undefined where there can. */
export function podsAreRefused(): string | undefined {
  const tools = ['unshare', 'setpriv', 'nsenter', 'chroot'];
  const lost = tools.find((tool) => spawnSync('which', [tool]).status !== 0);
  if (lost !== undefined) return `there is no ${lost}`;
  const tried = spawnSync(
    'unshare',
    ['--mount', '--uts', '--ipc', '--pid', '--fork', 'mount', '-t', 'tmpfs', 'x', '/mnt'],
    { encoding: 'utf8' },
  );
  return tried.status === 0 ? undefined : tried.stderr.trim() || 'unshare failed';
}

/** The words that make a process of the container's user. */
function asUser({ manifest, index }: PodParts): readonly string[] {
  const { securityContext, containers } = manifest.job.template.spec;
  const { runAsUser, runAsGroup, fsGroup } = securityContext;
  const [container] = containers;
  const variables = [
    ...(container?.env ?? []).map(({ name, value }) => `${name}=${value}`),
    `JOB_COMPLETION_INDEX=${index}`,
    `PATH=${IMAGE}:/usr/bin:/bin`,
    'NO_COLOR=1',
  ];
  return [
    ...['setpriv', `--reuid=${runAsUser}`, `--regid=${runAsGroup}`, `--groups=${fsGroup}`],
    ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', 'env', '-i', ...variables],
  ];
}

function podScript(parts: PodParts): string {
  const { manifest, name, index, scratch, hostsFile } = parts;
  const { containers, volumes } = manifest.job.template.spec;
  const [container] = containers;
  if (container === undefined) throw new Error('the pod has no container');
  const root = join(scratch, 'root');
  const mounts = container.volumeMounts.flatMap((mount) => {
    const volume = volumes.find((one) => one.name === mount.name) as Volume;
    const target = `${root}${mount.mountPath}`;
    return [`mkdir -p ${target}`, ...volumeLines(volume, target, parts, mount.readOnly ?? false)];
  });
  const [node = '', main = ''] = TESSERA;
  const program = `#!/bin/sh\\nexec ${IMAGE}/node ${main.replace(REPO, `${IMAGE}/repo`)} "$@"\\n`;
  const line = [...container.command, ...container.args].map(quotedWord).join(' ');
  return [
    'mount --make-rprivate /',
    `hostname ${name}-${index}`,
    `mount -t tmpfs -o mode=0755 root ${root}`,
    ...machineFolders(root),
    `mkdir -p ${root}/proc ${root}/dev ${root}/tmp ${root}${IMAGE}/repo ${root}${container.workingDir}`,
    `mount -t proc proc ${root}/proc`,
    `mount --rbind /dev ${root}/dev`,
    `mount --bind ${hostsFile} ${root}/etc/hosts`,
    `touch ${root}${IMAGE}/node`,
    `mount --bind ${node} ${root}${IMAGE}/node`,
    `mount --bind ${REPO} ${root}${IMAGE}/repo`,
    `printf '${program}' > ${root}${IMAGE}/tessera`,
    `chmod 755 ${root}${IMAGE}/tessera`,
    ...mounts,
    `mount -o remount,bind,ro ${root}${IMAGE}/repo`,
    `mount -o remount,ro ${root}`,
    `exec chroot ${root} ${asUser(parts).map(quotedWord).join(' ')} sh -c ${quotedWord(`cd ${container.workingDir}; exec ${line}`)}`,
    '',
  ].join('\n');
}

/** The machine's own folders, read-only. */
function machineFolders(root: string): readonly string[] {
  return readdirSync('/').flatMap((name) => {
    if (HIDDEN.has(name)) return [];
    const found = lstatSync(`/${name}`);
    const target = `${root}/${name}`;
    if (found.isSymbolicLink()) return [`ln -s ${readlinkSync(`/${name}`)} ${target}`];
    if (!found.isDirectory()) return [];
    return [
      `mkdir ${target}`,
      `mount --bind /${name} ${target}`,
      `mount -o remount,bind,ro ${target}`,
    ];
  });
}

/** What the kubelet does for a volume: owners, modes and links too. */
function volumeLines(
  volume: Volume,
  target: string,
  { manifest, claims }: PodParts,
  isReadOnly: boolean,
): readonly string[] {
  const { fsGroup } = manifest.job.template.spec.securityContext;
  const sealed = isReadOnly ? [`mount -o remount,bind,ro ${target}`] : [];
  if (volume.persistentVolumeClaim !== undefined) {
    const folder = claims[volume.persistentVolumeClaim.claimName];
    if (folder === undefined || !existsSync(folder)) throw new Error(`no claim of ${volume.name}`);
    return [
      // Of each claim, for the pod's own group: the manifest has read-only mounts, not read-only claims.
      `chgrp -R ${fsGroup} ${folder} && chmod -R g+rwX ${folder} && chmod g+s ${folder}`,
      `mount --bind ${folder} ${target}`,
      ...sealed,
    ];
  }
  // Of an empty folder, and of files: open to all, with the group of the pod.
  const made = `mount -t tmpfs -o mode=3777,gid=${fsGroup} ${volume.name} ${target}`;
  if (volume.emptyDir !== undefined) return [made];
  // Files are in a hidden folder, links lead there, so that all of them change at once.
  const data = `${target}/..2026_11_30_12_00_00.1`;
  const mode = volume.secret === undefined ? '0644' : `0${volume.secret.defaultMode.toString(8)}`;
  const files = [...manifest.files(volume)];
  const tops = new Set(files.map(([path]) => path.split('/')[0]));
  return [
    made,
    `mkdir -m 2755 ${data}`,
    `ln -s ${data.slice(target.length + 1)} ${target}/..data`,
    ...files.flatMap(([path, text]) => [
      `mkdir -p ${dirname(join(data, path))}`,
      `printf %s ${quotedWord(text)} > ${join(data, path)}`,
      `chmod ${mode} ${join(data, path)}`,
      // A group reads what the owner may.
      `chgrp ${fsGroup} ${join(data, path)} && chmod g+r ${join(data, path)}`,
    ]),
    ...[...tops].map((top) => `ln -s ..data/${top} ${target}/${top}`),
    ...sealed,
  ];
}
