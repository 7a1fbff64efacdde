/** @file A file for Docker Compose: the nodes of a run as containers of one machine, which find each other by name. Pure. */
import {
  CONFIG_NAME,
  type ContainersRequest,
  CURRENT_FOLDER,
  ENVIRONMENT,
  FOLDERS,
  isTaken,
  lineOf,
  probeLine,
} from '../containers/request.ts';
import { DEFAULT_PORT } from '../up/paths.ts';

/** A run on one machine. */
export interface ComposeRequest extends ContainersRequest {
  /** Of who owns the folder of the runs. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** On the machine: absolute, or relative to the file. */
  readonly runFolder: string;
}

/** Compose knows no exit codes: it starts again what has failed, a few times. */
const RESTART = 'on-failure:6';

/** The file as an object. Needs Compose 2.23.1, for a config within the file. */
export function composeFile(request: ComposeRequest) {
  const { name, nodes, config, user } = request;
  const names = Array.from({ length: nodes }, (_, index) => `node${index}`);
  return {
    name,
    services: Object.fromEntries(
      names.map((node, index) => [node, service(request, names, { node, index })]),
    ),
    configs: { config: { content: uninterpolated(config) } },
    // In memory: the first node makes the credentials, and they go with the last container.
    volumes: {
      join: {
        driver_opts: {
          type: 'tmpfs',
          device: 'tmpfs',
          o: `uid=${user.uid},gid=${user.gid},mode=0700`,
        },
      },
    },
  };
}

function service(
  request: ComposeRequest,
  names: readonly string[],
  { node, index }: { readonly node: string; readonly index: number },
) {
  const { image, user, cpus, memory, graceSeconds } = request;
  const line = lineOf(request, ['--nodes', names.join(','), '--port', String(DEFAULT_PORT)]);
  return {
    image,
    hostname: node,
    entrypoint: line.slice(0, 1),
    command: line.slice(1).map(uninterpolated),
    user: `${user.uid}:${user.gid}`,
    working_dir: CURRENT_FOLDER,
    environment: ENVIRONMENT,
    init: true,
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    restart: RESTART,
    stop_grace_period: `${graceSeconds}s`,
    cpus,
    mem_limit: memory,
    shm_size: Math.floor(memory / 2),
    ...gpusOf(request, index),
    configs: [{ source: 'config', target: `${FOLDERS.config}/${CONFIG_NAME}`, mode: 0o444 }],
    volumes: mounts(request),
    tmpfs: temporaryFolders(request),
    healthcheck: {
      test: ['CMD', ...probeLine(`${names[0]}:${DEFAULT_PORT}`)],
      interval: '60s',
      timeout: '20s',
      start_period: '60s',
    },
  };
}

/** Folders of a container that end with it. */
function temporaryFolders(request: ComposeRequest): readonly string[] {
  const { uid, gid } = request.user;
  return [FOLDERS.cache, FOLDERS.temporary]
    .filter((folder) => !isTaken(request, folder))
    .map((folder) => `${folder}:uid=${uid},gid=${gid},mode=0700`);
}

/** Without the folder of the runs there is an error: made by Docker, it would belong to root. */
function mounts({ runFolder, volumes }: ComposeRequest) {
  const bind = { type: 'bind', bind: { create_host_path: false } };
  return [
    { type: 'volume', source: 'join', target: FOLDERS.join },
    { ...bind, source: uninterpolated(runFolder), target: FOLDERS.runs },
    ...volumes.map(({ source, path, isReadOnly }) => ({
      ...{ ...bind, source: uninterpolated(source), target: path },
      ...(isReadOnly && { read_only: true }),
    })),
  ];
}

/** Each node has GPUs of its own, by their numbers. */
function gpusOf({ gpus }: ComposeRequest, index: number) {
  if (gpus === 0) return {};
  const ids = Array.from({ length: gpus }, (_, at) => String(index * gpus + at));
  const device = { driver: 'nvidia', device_ids: ids, capabilities: ['gpu'] };
  return { deploy: { resources: { reservations: { devices: [device] } } } };
}

/** Compose would put the value of a variable in the place of `$NAME`. */
function uninterpolated(text: string): string {
  return text.replaceAll('$', '$$$$');
}
