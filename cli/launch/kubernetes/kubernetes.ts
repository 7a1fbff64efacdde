/** @file `tessera launch kubernetes`: what `kubectl apply` needs, on stdout; what to know about it, on stderr. */
import { CONFIG_NAME } from '../../../launch/containers/request.ts';
import { kubernetesObjects } from '../../../launch/kubernetes/objects.ts';
import {
  firstHost,
  type KubernetesRequest,
  labelsOf,
  namesOf,
  PORT,
  type RunVolume,
} from '../../../launch/kubernetes/request.ts';
import { yamlStream } from '../../../shared/config/write.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { formatBytes } from '../../../shared/core/units.ts';
import { VERSION } from '../../../shared/machine/version.ts';
import { clusterCredentials } from '../../../shared/security/cluster-credentials.ts';
import { pointer, print, say, warning } from '../../terminal/output.ts';
import { type ContainerFlags, containersOf, requirePrint } from '../containers/containers.ts';

/** Flags of `launch kubernetes`. */
export interface KubernetesFlags extends ContainerFlags {
  readonly namespace?: string;
  readonly runClaim?: string;
  /** Bytes. */
  readonly storage: number;
  readonly storageClass?: string;
  readonly accessMode?: string;
  readonly envSecret?: string;
  readonly jobset?: true;
  readonly days: number;
}

/** A Secret and a ConfigMap have at most so much, names and all. */
const CONFIG_BYTES_MAX = 1_000_000;

/** Prints the objects. Throws  USAGE, CONFIG_INVALID. */
export async function launchKubernetes(flags: KubernetesFlags): Promise<void> {
  requirePrint(flags, 'pipe it to kubectl: ... --print | kubectl apply -f -');
  const { namespace, envSecret, jobset: isJobSet = false, days } = flags;
  for (const name of [namespace, envSecret, flags.runClaim, flags.storageClass]) checkName(name);
  const containers = await containersOf(flags);
  for (const { source } of containers.volumes) checkName(source);
  if (Buffer.byteLength(containers.config) > CONFIG_BYTES_MAX) {
    throw new TesseraError('USAGE', 'the config is too large for a ConfigMap (1 MB)', {
      hint: `put it into the image or a volume, and leave a short ${CONFIG_NAME}`,
    });
  }
  const request: KubernetesRequest = {
    ...containers,
    ...{ namespace, envSecret, isJobSet, runVolume: runVolumeOf(flags) },
  };
  const credentials = await clusterCredentials({ hosts: [firstHost(request)], days });
  const objects = kubernetesObjects({ ...request, credentials });
  for (const line of aboutIt(request, days)) say(line);
  print(yamlStream(objects, heading(request)).trimEnd().split('\n'));
}

/** Throws  USAGE for a claim that is there and a new one at once, and for one that only one pod may mount. */
function runVolumeOf(flags: KubernetesFlags): RunVolume {
  const { nodes, runClaim, storage, storageClass, accessMode } = flags;
  if (runClaim !== undefined && (storageClass ?? accessMode) !== undefined) {
    throw new TesseraError('USAGE', '--storage-class and --access-mode are of a new claim', {
      hint: 'leave them out, or --run-claim',
    });
  }
  if (accessMode === 'ReadWriteOncePod' && nodes > 1) {
    throw new TesseraError('USAGE', `a claim of one pod cannot be mounted by ${nodes}`, {
      hint: 'give --access-mode ReadWriteMany, or ReadWriteOnce if all are on one machine',
    });
  }
  if (runClaim === 'none') return { kind: 'none' };
  if (runClaim !== undefined) return { kind: 'claim', claim: runClaim };
  return {
    kind: 'new',
    ...{ bytes: storage, storageClass },
    accessMode: accessMode ?? (nodes === 1 ? 'ReadWriteOnce' : 'ReadWriteMany'),
  };
}

/** Throws  USAGE for what the cluster would refuse as a name. */
function checkName(name: string | undefined): void {
  if (name === undefined || /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return;
  throw new TesseraError('USAGE', `${JSON.stringify(name)} is not a name of Kubernetes`, {
    hint: 'names there have small letters, digits, dashes and dots',
  });
}

/** What a person should know who starts it. */
function aboutIt(request: KubernetesRequest, days: number): readonly string[] {
  const { nodes, graceSeconds, runVolume, isJobSet } = request;
  return [
    pointer(
      isJobSet ? 'JobSet' : 'Job',
      `${request.name}, ${nodes} ${nodes === 1 ? 'pod' : 'pods'}`,
    ),
    pointer('first pod', `${firstHost(request)}:${PORT}`),
    runLine(request),
    pointer('grace', `${graceSeconds} s from SIGTERM to SIGKILL`),
    ...(runVolume.kind === 'new' && runVolume.accessMode === 'ReadWriteOnce' && nodes > 1
      ? [warning('all pods have to be on one machine, which alone can mount the claim')]
      : []),
    ...(runVolume.kind === 'none'
      ? [warning('the run goes with its first pod: give a claim, or a config with a mirror')]
      : []),
    warning(`the output has private keys, good for ${days} days`),
  ];
}

function runLine(request: KubernetesRequest): string {
  const { runVolume } = request;
  const { claim } = namesOf(request);
  if (runVolume.kind === 'none') return pointer('run folder', 'the disk of the pod');
  if (runVolume.kind === 'claim') return pointer('run folder', `claim ${claim}`);
  const { bytes, accessMode, storageClass = 'the default class' } = runVolume;
  return pointer(
    'run folder',
    `new claim ${claim}: ${formatBytes(bytes)}, ${accessMode}, ${storageClass}`,
  );
}

/** What to type, for who reads the file later. */
function heading(request: KubernetesRequest): readonly string[] {
  const { isJobSet } = request;
  const label = `app.kubernetes.io/instance=${labelsOf(request)['app.kubernetes.io/instance']}`;
  return [
    `Made by tessera ${VERSION}, launch kubernetes. It has private keys: keep it as you would keep them.`,
    '',
    'start    kubectl apply -f FILE',
    `look     kubectl logs -f -l ${label},batch.kubernetes.io/job-completion-index=0`,
    `remove   kubectl delete ${isJobSet ? 'jobset' : 'job,service'},secret,configmap -l ${label}`,
    'The claim with the run stays; delete -f FILE would remove it too.',
  ];
}
