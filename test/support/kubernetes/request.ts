/** @file A request for manifests, with all that it may have or with the least. */
import type { SealedRequest } from '../../../launch/kubernetes/request.ts';

/** The least. */
export const SMALL_REQUEST: SealedRequest = {
  name: 'digits',
  image: 'registry/tessera:1',
  nodes: 2,
  config: 'name: digits\n',
  set: [],
  workers: undefined,
  yes: false,
  volumes: [],
  cpus: 0.5,
  memory: 2 ** 30,
  gpus: 0,
  graceSeconds: 60,
  namespace: undefined,
  runVolume: { kind: 'new', bytes: 2 ** 30, storageClass: undefined, accessMode: 'ReadWriteMany' },
  envSecret: undefined,
  isJobSet: false,
  credentials: [
    { path: 'ca.crt', text: 'A\n', mode: 0o644 },
    { path: 'coordinator/tls.key', text: 'B\n', mode: 0o600 },
    { path: 'worker/tls.key', text: 'C\n', mode: 0o600 },
  ],
};

/** All that a request may have. */
export const FULL_REQUEST: SealedRequest = {
  ...SMALL_REQUEST,
  nodes: 4,
  set: ['training.epochs=2', 'name=$(HOME)'],
  workers: '2',
  yes: true,
  volumes: [
    { source: 'photos', path: '/tessera/data', isReadOnly: true },
    { source: 'downloads', path: '/tessera/cache', isReadOnly: false },
  ],
  cpus: 8,
  gpus: 2,
  namespace: 'research',
  runVolume: { kind: 'claim', claim: 'runs-of-all' },
  envSecret: 'bucket',
};
