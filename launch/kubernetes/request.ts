/** @file What the objects of a run on Kubernetes are made of, and what they are called. Pure. */
import type { CredentialText } from '../../shared/security/cluster-credentials.ts';
import type { ContainersRequest } from '../containers/request.ts';
import { DEFAULT_PORT } from '../up/paths.ts';

/** Where the first pod keeps the run. */
export type RunVolume =
  /** A claim that is there. */
  | { readonly kind: 'claim'; readonly claim: string }
  /** A claim that is made. Units  bytes. */
  | {
      readonly kind: 'new';
      readonly bytes: number;
      readonly storageClass: string | undefined;
      readonly accessMode: string;
    }
  /** The pod's own disk, which goes with it. */
  | { readonly kind: 'none' };

/** A run on Kubernetes. */
export interface KubernetesRequest extends ContainersRequest {
  /** Undefined for that of the caller of kubectl. */
  readonly namespace: string | undefined;
  readonly runVolume: RunVolume;
  /** A Secret whose entries become variables of the pods. */
  readonly envSecret: string | undefined;
  /** Whether a JobSet makes the Job and its Service. */
  readonly isJobSet: boolean;
}

/** A request with the credentials of its pods. */
export interface SealedRequest extends KubernetesRequest {
  /** For `firstHost`, paths as `clusterCredentials` has them. */
  readonly credentials: readonly CredentialText[];
}

/** The only replicated job of a JobSet. */
export const REPLICATED_JOB = 'nodes';
export const CONTAINER = 'tessera';
export const PORT = DEFAULT_PORT;

/** The name by which the pods dial the first one: JOB-0.SERVICE, where Service and JobSet have the name of the run. */
export function firstHost({ name, isJobSet }: Pick<KubernetesRequest, 'name' | 'isJobSet'>) {
  return `${isJobSet ? `${name}-${REPLICATED_JOB}-0` : name}-0.${name}`;
}

/** Names of the objects beside the Job and the Service. */
export function namesOf({ name, runVolume }: Pick<KubernetesRequest, 'name' | 'runVolume'>) {
  const claim = runVolume.kind === 'claim' ? runVolume.claim : `${name}-runs`;
  return { config: `${name}-config`, join: `${name}-join`, claim };
}

/** Labels of every object of a run, by which they are found and removed. */
export function labelsOf({ name }: Pick<KubernetesRequest, 'name'>) {
  return { 'app.kubernetes.io/name': 'tessera', 'app.kubernetes.io/instance': name };
}
