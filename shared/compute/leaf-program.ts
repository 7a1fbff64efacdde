/** @file A program that computes leaf by leaf; its nodes are added up on the host, in tree order. */
import { assert } from '../core/errors.ts';
import type { ValueType } from '../core/floats.ts';
import { nodeAdder, TreeSum } from '../training/reduction.ts';
import {
  countOf,
  type DeviceReport,
  type LeafInputs,
  type LeafOutputs,
  type NodeOutputs,
  type NodeStart,
  type Pixels,
  type Program,
} from './program.ts';

/** What an engine without sums of its own extends. */
export abstract class LeafProgram implements Program {
  abstract readonly description: string;
  readonly slots: number = 1;
  /** What nodes are rounded to; `train` rounds its leaf. */
  protected readonly gradients: ValueType = 'f32';
  #node: { readonly start: NodeStart; readonly sum: TreeSum } | undefined;

  abstract setParameters(parameters: Float32Array): void;
  abstract train(leaf: LeafInputs): Promise<LeafOutputs>;
  abstract evaluate(leaf: LeafInputs): Promise<LeafOutputs>;
  abstract predict(images: Pixels): Promise<Float32Array>;
  abstract features(images: Pixels): Promise<Float32Array>;
  abstract dispose(): Promise<void>;

  beginNode(start: NodeStart): void {
    const add = nodeAdder(this.gradients);
    const merge = (target: Float32Array, source: Float32Array) => {
      add(target, source);
      this.recycle(source);
    };
    this.#node = { start, sum: new TreeSum(start.numLeaves, merge, start) };
  }

  async addLeaf(leaf: LeafInputs, index: number): Promise<void> {
    const node = this.#node;
    assert(node !== undefined, 'a node begins before its leaves');
    const { gradient, ...totals } = await this[node.start.kind](leaf);
    const samples = countOf(leaf.weights);
    const vector = node.start.kind === 'train' ? gradient : undefined;
    await node.sum.add({ first: index, count: 1 }, vector, { ...totals, samples });
  }

  async endNode(): Promise<NodeOutputs> {
    const root = this.#node?.sum.root;
    assert(root !== undefined, 'a node ends after its last leaf');
    this.#node = undefined;
    return { ...root.totals, gradient: root.vector };
  }

  /** A gradient that was added to another, or was given back; its memory is of no use here. */
  recycle(_gradient: Float32Array): void {}

  /** The host alone, whose memory the process shows. */
  devices(): DeviceReport | undefined {
    return undefined;
  }
}
