/** @file A program on several devices of one host, each of which computes a leaf at a time: their sums are the host's. */
import { WeighedGate } from '../core/concurrency.ts';
import { LeafProgram } from './leaf-program.ts';
import type {
  DeviceReport,
  LeafInputs,
  LeafOutputs,
  NodeOutputs,
  NodeStart,
  Pixels,
  Program,
  ProgramSpec,
} from './program.ts';

/** The step on one device, beside the thread that calls it: calls are done in their order. */
export interface Replica
  extends Pick<Program, 'train' | 'evaluate' | 'predict' | 'features' | 'dispose'> {
  /** Puts new parameters in place for the calls that follow, which copy them from memory that threads share. */
  setParameters(parameters: Float32Array): void;
}

/** The same step on each of several devices. A leaf goes to the first that is free: the tree of the sum is the same. */
export class ReplicatedProgram extends LeafProgram {
  readonly description: string;
  override readonly slots: number;
  protected override readonly gradients;
  readonly #kind: string;
  readonly #replicas: readonly Replica[];
  /** Those without a leaf; the last is the next, so that calls one by one use one device. */
  readonly #idle: Replica[];
  readonly #gate: WeighedGate;
  /** Leaves of the node. */
  #leaves: Promise<void>[] = [];
  /** Why a leaf was not computed: nothing more is. */
  #failure: { readonly cause: unknown } | undefined;
  /** The newest version, which all replicas read. */
  #parameters: Float32Array = new Float32Array(0);

  /** `kind` is what each of the devices is, for people. */
  constructor(
    spec: ProgramSpec,
    replicas: readonly Replica[],
    { kind, description }: { readonly kind: string; readonly description: string },
  ) {
    super();
    this.gradients = spec.gradients ?? 'f32';
    this.description = description;
    this.slots = replicas.length;
    this.#kind = kind;
    this.#replicas = replicas;
    this.#idle = [...replicas].reverse();
    this.#gate = new WeighedGate(replicas.length);
  }

  /** Copied once, into memory that the threads of all devices read. */
  setParameters(parameters: Float32Array): void {
    if (this.#parameters.length !== parameters.length) {
      this.#parameters = new Float32Array(new SharedArrayBuffer(parameters.byteLength));
    }
    this.#parameters.set(parameters);
    for (const replica of this.#replicas) replica.setParameters(this.#parameters);
  }

  override beginNode(start: NodeStart): void {
    this.#leaves = [];
    super.beginNode(start);
  }

  /** Resolves when a device is free for the next leaf. */
  override async addLeaf(leaf: LeafInputs, index: number): Promise<void> {
    this.#throwFailure();
    const added = super.addLeaf(leaf, index).catch((cause: unknown) => {
      this.#failure ??= { cause };
    });
    this.#leaves.push(added);
    const leave = await this.#gate.enter(1);
    leave();
    this.#throwFailure();
  }

  override async endNode(): Promise<NodeOutputs> {
    await Promise.all(this.#leaves);
    this.#throwFailure();
    return await super.endNode();
  }

  train(leaf: LeafInputs): Promise<LeafOutputs> {
    return this.#onFree((replica) => replica.train(leaf));
  }

  evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    return this.#onFree((replica) => replica.evaluate(leaf));
  }

  predict(images: Pixels): Promise<Float32Array> {
    return this.#onFree((replica) => replica.predict(images));
  }

  features(images: Pixels): Promise<Float32Array> {
    return this.#onFree((replica) => replica.features(images));
  }

  override devices(): DeviceReport {
    const unknown = { bytesInUse: undefined, bytesPeak: undefined };
    return { kind: this.#kind, count: this.slots, ...unknown };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.dispose()));
  }

  #onFree<T>(work: (replica: Replica) => Promise<T>): Promise<T> {
    return this.#gate.run(1, async () => {
      const replica = this.#idle.pop() as Replica;
      try {
        return await work(replica);
      } finally {
        this.#idle.push(replica);
      }
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
