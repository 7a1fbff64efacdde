/** @file What the containers of a run have in common, whatever starts them: their line, their folders, their user. Pure. */

/** The folders that a container sees. What an image has elsewhere stays as it is. */
export const FOLDERS = {
  config: '/tessera/config',
  join: '/tessera/join',
  runs: '/tessera/runs',
  cache: '/tessera/cache',
  temporary: '/tmp',
  /** Workers of a machine exchange vectors through it; a container runtime gives it 64 MB. */
  memory: '/dev/shm',
} as const;

/** The current folder of a container: what a relative path of `--set` is relative to. */
export const CURRENT_FOLDER = '/tessera';
/** The config, within its folder. */
export const CONFIG_NAME = 'config.yaml';

/** A folder that a user puts into each container. */
export interface GivenVolume {
  /** A claim of Kubernetes; a folder or a volume of Docker. */
  readonly source: string;
  /** Where the container sees it. */
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** What the containers of a run are made of. */
export interface ContainersRequest {
  /** A DNS label. */
  readonly name: string;
  readonly image: string;
  readonly nodes: number;
  /** The text of the config file. */
  readonly config: string;
  readonly set: readonly string[];
  /** `--workers` of each node. */
  readonly workers: string | undefined;
  /** Whether nodes download what the config names. */
  readonly yes: boolean;
  readonly volumes: readonly GivenVolume[];
  /** Of each node. */
  readonly cpus: number;
  /** Of each node. Units  bytes. */
  readonly memory: number;
  /** Of each node. */
  readonly gpus: number;
  /** From the request to end until the kill. Units  seconds. */
  readonly graceSeconds: number;
}

/** The line of a node: the same for all. */
export function lineOf(request: ContainersRequest, more: readonly string[]): readonly string[] {
  const { name, set, workers, yes } = request;
  return [
    'tessera',
    ...['up', `${FOLDERS.config}/${CONFIG_NAME}`],
    ...['--run-folder', `${FOLDERS.runs}/${name}`],
    ...['--join-folder', FOLDERS.join],
    ...more,
    ...(workers === undefined ? [] : ['--workers', workers]),
    ...set.flatMap((setting) => ['--set', setting]),
    ...(yes ? ['--yes'] : []),
  ];
}

/** The line that says whether a node can reach the run: by the worker's credential, over TLS. */
export function probeLine(first: string): readonly string[] {
  return ['tessera', 'status', first, '--certs', `${FOLDERS.join}/worker`];
}

/** Variables of a node: any user without a home, on a file system that is read-only. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: FOLDERS.temporary,
  XDG_CACHE_HOME: FOLDERS.cache,
  TMPDIR: FOLDERS.temporary,
};

/** Whether a volume of the user takes the place of one of the folders. */
export function isTaken(request: ContainersRequest, folder: string): boolean {
  return request.volumes.some(({ path }) => path === folder);
}
