/** @file Computes the leaves of nodes; it holds the program and the parameters that it works with. */
import type {
  DeviceReport,
  LeafInputs,
  NodeOutputs,
  Program,
  ProgramSpec,
} from '../../shared/compute/program.ts';
import type { LeafRange, WorkKind } from '../../shared/core/work.ts';
import { brokenPart } from './divergence.ts';

/** What a frozen backbone made of the samples of a leaf. Shapes  values [B, D]. */
export interface KnownFeatures {
  readonly values: Float32Array;
  /** 1 for each sample whose row is there. */
  readonly isKnown: Uint8Array;
}

/** What a finished node adds up to. */
export interface ComputedNode extends NodeOutputs {
  /** What of it is not finite, as `loss is NaN`; undefined when all is well. */
  readonly broken: string | undefined;
  /** The devices as they are then; undefined where the engine has nothing to say of them. */
  readonly devices: DeviceReport | undefined;
}

/** One leaf to compute. */
export interface LeafWork {
  readonly kind: WorkKind;
  /** The node that this leaf is a part of; its leaves come in `feedOrder`, and the first one starts its sum. */
  readonly node: LeafRange;
  readonly numLeaves: number;
  readonly leaf: number;
  readonly inputs: LeafInputs;
  /** Features of the leaf's samples that are known; the others are computed and given back. */
  readonly features?: KnownFeatures | undefined;
}

/** A program and what it has in hand. */
export class NodeComputer {
  readonly #program: Program;
  readonly #width: number;
  #parameters: Float32Array | undefined;
  /** Leaves of the newest node that were added. */
  #added = 0;

  constructor(program: Program, { model }: ProgramSpec) {
    this.#program = program;
    this.#width = model.width;
  }

  /** Puts new parameters in place; returns a buffer that the next pull can fill. */
  setParameters(parameters: Float32Array): Float32Array | undefined {
    const before = this.#parameters;
    const frozen = before === undefined ? 0 : before.length - parameters.length;
    if (before !== undefined && frozen > 0) {
      before.set(parameters, frozen);
      this.#program.setParameters(before);
      return parameters;
    }
    this.#program.setParameters(parameters);
    this.#parameters = parameters;
    return before;
  }

  /** Takes back the gradient of a node that has arrived. */
  recycle(gradient: Float32Array): void {
    this.#program.recycle?.(gradient);
  }

  /** Gives one leaf to the program, which may compute several at a time; the node comes back when all were added. */
  async leaf(work: LeafWork): Promise<{
    node: ComputedNode | undefined;
    /** All rows of the leaf, when some of them had to be computed. */
    features: Float32Array | undefined;
  }> {
    const { kind, node, leaf, numLeaves, inputs } = work;
    const features = await this.#completeFeatures(work);
    const program = this.#program;
    if (leaf === node.first) {
      this.#added = 0;
      program.beginNode({ ...node, numLeaves, kind: kind === 'train' ? 'train' : 'evaluate' });
    }
    await program.addLeaf({ ...inputs, features: work.features?.values }, leaf);
    this.#added += 1;
    if (this.#added < node.count) return { features, node: undefined };
    const sums = await program.endNode();
    const broken = brokenPart(sums.lossSum, sums.gradient);
    return { features, node: { ...sums, broken, devices: program.devices() } };
  }

  /** The features that a leaf lacks, put beside those that it has; undefined when it has all that it needs. */
  async #completeFeatures({ inputs, features }: LeafWork): Promise<Float32Array | undefined> {
    if (features === undefined) return undefined;
    const { values, isKnown } = features;
    if (inputs.weights.every((weight, place) => weight === 0 || isKnown[place] === 1)) {
      return undefined;
    }
    const computed = await this.#program.features(inputs.images);
    for (const [place, known] of isKnown.entries()) {
      const [first, limit] = [place * this.#width, (place + 1) * this.#width];
      if (known === 0) values.set(computed.subarray(first, limit), first);
    }
    return values;
  }
}
