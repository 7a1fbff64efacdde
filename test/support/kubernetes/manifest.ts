/** @file The objects of a printed manifest, with what the tests read of them. */
import { parseAllDocuments } from 'yaml';

/** A rule of `podFailurePolicy`. */
export interface Rule {
  readonly action: 'Ignore' | 'Count' | 'FailJob' | 'FailIndex';
  readonly onExitCodes?: { readonly operator: 'In' | 'NotIn'; readonly values: readonly number[] };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: string }[];
}

/** The spec of an Indexed Job. */
export interface JobSpec {
  readonly completions: number;
  readonly backoffLimitPerIndex: number;
  readonly maxFailedIndexes: number;
  readonly podFailurePolicy: { readonly rules: readonly Rule[] };
  readonly successPolicy: { readonly rules: readonly { readonly succeededIndexes: string }[] };
  readonly template: { readonly spec: PodSpec };
}

/** The spec of a pod. */
interface PodSpec {
  readonly subdomain: string;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly fsGroup: number;
  };
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

/** A container of a pod. */
interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly readinessProbe: { readonly exec: { readonly command: readonly string[] } };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

interface Items {
  readonly items: readonly { readonly key: string; readonly path: string }[];
}

/** A volume of a pod. */
export interface Volume {
  readonly name: string;
  readonly configMap?: Items & { readonly name: string };
  readonly secret?: Items & { readonly secretName: string; readonly defaultMode: number };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly emptyDir?: { readonly medium?: string };
}

/** Any object. */
export interface ManifestObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/** The objects of a manifest. */
export class Manifest {
  readonly objects: readonly ManifestObject[];

  constructor(text: string) {
    this.objects = parseAllDocuments(text).map((document) => document.toJS());
  }

  /** The only object of a kind. */
  the(kind: string): ManifestObject {
    const found = this.objects.filter((object) => object.kind === kind);
    if (found.length !== 1) throw new Error(`${found.length} objects of the kind ${kind}`);
    return found[0] as ManifestObject;
  }

  get job(): JobSpec {
    return this.the('Job').spec as JobSpec;
  }

  /** The files of a ConfigMap or a Secret, by their paths. */
  files(volume: Volume): ReadonlyMap<string, string> {
    const { items } = (volume.configMap ?? volume.secret) as Items;
    const name = volume.configMap?.name ?? volume.secret?.secretName;
    const object = this.objects.find(({ metadata }) => metadata.name === name);
    const texts = { ...object?.data, ...object?.stringData };
    return new Map(items.map(({ key, path }) => [path, texts[key] as string]));
  }
}
