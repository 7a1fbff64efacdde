/** @file The volumes of a pod, and where its container sees them. Pure. */
import { CONFIG_NAME, FOLDERS, isTaken } from '../containers/request.ts';
import { namesOf, type SealedRequest } from './request.ts';

/** Readable by the owner. With an `fsGroup` the kubelet adds that group, and root stays the owner. */
const KEY_MODE = 0o400;

/** A volume of a pod with its mount. */
interface PodVolume {
  readonly name: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** A key of a Secret: it may not have a slash. */
export function secretKey(path: string): string {
  return path.replaceAll('/', '.');
}

/** `volumes` of a pod and `volumeMounts` of its container. */
export function podVolumes(request: SealedRequest) {
  const all = volumesOf(request);
  return {
    volumes: all.map(({ name, source }) => ({ name, ...source })),
    volumeMounts: all.map(({ name, path, isReadOnly }) => ({
      name,
      mountPath: path,
      ...(isReadOnly && { readOnly: true }),
    })),
  };
}

function volumesOf(request: SealedRequest): readonly PodVolume[] {
  const names = namesOf(request);
  const { credentials, runVolume, volumes } = request;
  const items = credentials.map(({ path }) => ({ key: secretKey(path), path }));
  const empty = (name: string, path: string, emptyDir = {}): readonly PodVolume[] =>
    isTaken(request, path) ? [] : [{ name, source: { emptyDir }, path, isReadOnly: false }];
  return [
    {
      name: 'config',
      source: {
        configMap: { name: names.config, items: [{ key: CONFIG_NAME, path: CONFIG_NAME }] },
      },
      path: FOLDERS.config,
      isReadOnly: true,
    },
    {
      name: 'join',
      source: { secret: { secretName: names.join, defaultMode: KEY_MODE, items } },
      path: FOLDERS.join,
      isReadOnly: true,
    },
    {
      name: 'runs',
      source:
        runVolume.kind === 'none'
          ? { emptyDir: {} }
          : { persistentVolumeClaim: { claimName: names.claim } },
      path: FOLDERS.runs,
      isReadOnly: false,
    },
    ...volumes.map(({ source, path, isReadOnly }, at) => ({
      name: `given-${at}`,
      // The mount is read-only, not the claim: another pod of its node may write.
      source: { persistentVolumeClaim: { claimName: source } },
      path,
      isReadOnly,
    })),
    ...empty('cache', FOLDERS.cache),
    ...empty('temporary', FOLDERS.temporary),
    ...empty('memory', FOLDERS.memory, { medium: 'Memory' }),
  ];
}
