/** @file The place of a node among the others, and what is known to find it. Pure. */

/** What a node knows of itself. */
export interface NodeFacts {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly hostname: string;
  /** Full names of this machine, as its hosts file has them. */
  readonly fullNames: readonly string[];
  /** Of its network interfaces. */
  readonly addresses: readonly string[];
  /** `--nodes`, expanded. */
  readonly nodes?: readonly string[] | undefined;
  /** `--node-index`. */
  readonly nodeIndex?: number | undefined;
  /** `--service`. */
  readonly service?: string | undefined;
  /** The addresses of those of `nodes` that resolve here. */
  readonly resolved?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** The place of a node among the others. */
export interface NodePlace {
  /** What says so. */
  readonly by: 'nodes' | 'slurm' | 'kubernetes' | 'none';
  readonly isFirst: boolean;
  /** How the others dial the first node; undefined for a node that is alone. */
  readonly first: string | undefined;
  /** The number of nodes, where it is known. */
  readonly count: number | undefined;
  /** The job, for the name of the run's folder; undefined where it has none. */
  readonly job: string | undefined;
  /** Which start of the job this is: what an earlier one left behind does not count. */
  readonly life: string;
  /** What the user should know. */
  readonly warnings: readonly string[];
}

/** The place of a node that is alone. */
export const ALONE: NodePlace = {
  by: 'none',
  isFirst: true,
  first: undefined,
  count: 1,
  job: undefined,
  life: '',
  warnings: [],
};
