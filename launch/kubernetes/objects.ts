/** @file The objects of a run on Kubernetes: all that `kubectl apply` needs. Pure. */
import { CONFIG_NAME } from '../containers/request.ts';
import { jobSpec } from './job.ts';
import { labelsOf, namesOf, PORT, REPLICATED_JOB, type SealedRequest } from './request.ts';
import { secretKey } from './volumes.ts';

/** An object as the API takes it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const MIB = 2 ** 20;

/** The objects in the order in which they are needed. */
export function kubernetesObjects(request: SealedRequest): readonly KubernetesObject[] {
  const named = (name: string) => ({
    name,
    ...(request.namespace !== undefined && { namespace: request.namespace }),
    labels: labelsOf(request),
  });
  const { name, runVolume } = request;
  const names = namesOf(request);
  // Pods that are started again read both: another config, or other credentials, is another run.
  const fixed = { immutable: true };
  return [
    {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: named(names.config), ...fixed },
      data: { [CONFIG_NAME]: request.config },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: named(names.join), ...fixed },
      type: 'Opaque',
      stringData: Object.fromEntries(
        request.credentials.map(({ path, text }) => [secretKey(path), text]),
      ),
    },
    ...(runVolume.kind === 'new' ? [claim(named(names.claim), runVolume)] : []),
    ...(request.isJobSet
      ? [jobSet(request, named(name))]
      : [
          service(request, named(name)),
          { apiVersion: 'batch/v1', kind: 'Job', metadata: named(name), spec: jobSpec(request) },
        ]),
  ];
}

function claim(
  metadata: KubernetesObject['metadata'],
  volume: Extract<SealedRequest['runVolume'], { kind: 'new' }>,
): KubernetesObject {
  const { bytes, accessMode, storageClass } = volume;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: {
      accessModes: [accessMode],
      ...(storageClass !== undefined && { storageClassName: storageClass }),
      resources: { requests: { storage: `${Math.ceil(bytes / MIB)}Mi` } },
    },
  };
}

/** Gives each pod a name, from its start on: a node is dialled before it is ready. */
function service(request: SealedRequest, metadata: KubernetesObject['metadata']): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: labelsOf(request),
      ports: [{ name: 'grpc', port: PORT }],
    },
  };
}

/** A JobSet makes the headless Service itself. */
function jobSet(request: SealedRequest, metadata: KubernetesObject['metadata']): KubernetesObject {
  return {
    apiVersion: 'jobset.x-k8s.io/v1alpha2',
    kind: 'JobSet',
    metadata,
    spec: {
      network: {
        enableDNSHostnames: true,
        publishNotReadyAddresses: true,
        subdomain: request.name,
      },
      replicatedJobs: [{ name: REPLICATED_JOB, replicas: 1, template: { spec: jobSpec(request) } }],
    },
  };
}
