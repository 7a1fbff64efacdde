/**
 * @file The seam between training and the engines: a training step compiled for one device.
 *
 * Nothing outside `shared/compute` knows which engine runs. One program has one shape: a leaf of
 * `microBatch` samples; missing samples have weight 0.
 */
import type { ValueType } from '../core/floats.ts';
import type { LeafRange, NodeTotals } from '../core/work.ts';
import type { NoiseKey, NoiseRates } from '../model/masks.ts';
import { backboneSize } from '../model/parameters.ts';
import type { Precision } from '../model/precision.ts';
import type { ModelConfig } from '../model/variants.ts';
import type { Part } from './step.ts';

/** Pixels as `spec.transfer` says: normalised float32, the bits of normalised binary16, or bytes. */
export type Pixels = Float32Array | Uint16Array | Uint8Array;

/** How pixels come to the device, where it is not as normalised float32: bytes are normalised there. */
type Transfer =
  | { readonly type: 'float16' }
  | {
      readonly type: 'uint8';
      /** Of each channel, or one of all, of pixels in 0..1. */
      readonly mean: readonly number[];
      readonly deviation: readonly number[];
    };

/** What a leaf is computed from. Shapes  images [B, C, H, W]; labels, weights [B]. */
export interface LeafInputs {
  /** Empty where `features` are given. */
  readonly images: Pixels;
  readonly labels: Int32Array;
  /** 1, or its class's weight, for a sample that counts; 0 for padding or an unreadable image. */
  readonly weights: Float32Array;
  /** What the frozen backbone made of the images before. Shapes  [B, D]. */
  readonly features?: Float32Array | undefined;
  /** Of mixed images (`spec.mixes`): the other image's labels and the own one's shares. Shapes  [B]. */
  readonly mix?: { readonly labels: Int32Array; readonly shares: Float32Array } | undefined;
  /** What the masks of dropout and stochastic depth are drawn from, where there are any. */
  readonly noise?: NoiseKey | undefined;
}

/** Samples of a leaf that count. */
export function countOf(weights: Float32Array): number {
  return weights.reduce((count, weight) => count + Number(weight !== 0), 0);
}

/** What a leaf adds up to: sums over its samples, never means. */
export interface LeafOutputs {
  readonly lossSum: number;
  /** Samples that count and whose largest logit is the label. */
  readonly correct: number;
  /** Of what trains, flat, in the order of the parameter table; empty for an evaluation. The caller owns it. */
  readonly gradient: Float32Array;
}

/** What is compiled: everything the numbers depend on. */
export interface ProgramSpec extends NoiseRates {
  readonly model: ModelConfig;
  readonly microBatch: number;
  readonly labelSmoothing: number;
  /** Values at the beginning of the flat parameters that do not train: they have no gradient. */
  readonly frozen?: number;
  /** Whether a training image may be a mixture of two. */
  readonly mixes?: boolean;
  /** Whether weights of samples may be others than 0 and 1. */
  readonly weighsClasses?: boolean;
  readonly transfer?: Transfer;
  /** In which numbers products are computed; float32 unless given. */
  readonly precision?: Precision;
  /** What gradients of leaves, and all sums of them, are rounded to; not rounded unless given. */
  readonly gradients?: ValueType;
  /** What of the forward pass is computed again in the backward pass in place of being kept; changes no bit. */
  readonly recompute?: 'none' | 'blocks';
}

/** The devices of a program, for people. */
export interface DeviceReport {
  /** `NVIDIA H200`. */
  readonly kind: string;
  readonly count: number;
  /** Of all devices together; undefined where the engine does not know. */
  readonly bytesInUse: number | undefined;
  readonly bytesPeak: number | undefined;
  /** What they have for programs. */
  readonly bytesLimit?: number | undefined;
}

/** What a compiled part takes of a device's memory. Units  bytes. */
export interface PartMemory {
  readonly code: number;
  readonly arguments: number;
  readonly outputs: number;
  /** Of the outputs, what lies in the memory of arguments. */
  readonly aliases: number;
  readonly temporary: number;
  /** The most at any time, where the compiler reports it. */
  readonly peak: number | undefined;
}

/**
 * Whether a step is computed in two halves: features by the frozen backbone, then the head on them. Where the
 * features are known the first half is skipped; the bits are the same.
 */
export function hasFrozenBackbone(spec: ProgramSpec): boolean {
  const { model, frozen = 0, dropout = 0, stochasticDepth = 0 } = spec;
  return frozen === backboneSize(model) && dropout === 0 && stochasticDepth === 0;
}

/** A node of the sum tree while its leaves are computed. */
export interface NodeStart extends LeafRange {
  readonly kind: 'train' | 'evaluate';
  /** Leaves of the whole tree. */
  readonly numLeaves: number;
}

/** What the leaves of a node add up to. */
export interface NodeOutputs extends NodeTotals {
  /** Undefined for an evaluation. The caller owns it. */
  readonly gradient: Float32Array | undefined;
}

/**
 * The training step of one model for one leaf shape on one engine.
 *
 * Ordering  calls do not overlap: await each before the next. A call may block its thread.
 * Ownership inputs are only read during the call; outputs belong to the caller.
 */
export interface Program {
  /** One line for people: engine, device, threads. */
  readonly description: string;
  /** What decides bits, where that is more than the engine's id: `xla-cuda 0.12.0 NVIDIA H200`. */
  readonly identity?: string;
  /** Devices that compute leaves at the same time; see `slotOf`. */
  readonly slots: number;
  /** Puts new parameters in place for the calls that follow. Shapes  flat, in table order. */
  setParameters(parameters: Float32Array): void;
  /** Begins a node; one that has not ended is dropped. */
  beginNode(node: NodeStart): void;
  /**
   * Computes a leaf of the node and adds it, where the engine keeps it. Leaves come in any order, best in that of
   * `feedOrder`. Resolves when the next leaf may come, which can be before this one is computed.
   */
  addLeaf(leaf: LeafInputs, index: number): Promise<void>;
  /** Ends the node, all of whose leaves were added. */
  endNode(): Promise<NodeOutputs>;
  /**
   * Takes back a gradient that its owner is done with: a later leaf's is written over it. Each page of fresh memory costs a
   * fault, which were 6 % of a step of ViT-S/16. Programs that keep gradients elsewhere lack it.
   */
  recycle?(gradient: Float32Array): void;
  /** One leaf alone, forward and backward; its gradient is rounded as those of nodes are. */
  train(leaf: LeafInputs): Promise<LeafOutputs>;
  /** One leaf alone, forward only; the gradient is empty. */
  evaluate(leaf: LeafInputs): Promise<LeafOutputs>;
  /** Logits of a leaf. Shapes  [B, classes] flat. */
  predict(images: Pixels): Promise<Float32Array>;
  /** What the backbone makes of a leaf's images; where it is frozen, `train` takes it instead of the images. Shapes  [B, D] flat. */
  features(images: Pixels): Promise<Float32Array>;
  /** What it computes on, and the memory that this takes now. */
  devices(): DeviceReport | undefined;
  /** What a part takes of a device's memory, as the compiler reports it; compiles the part. Engines without a compiler lack it. */
  memory?(part: Part): Promise<PartMemory>;
  /** Compiles a part now, which its first use would do otherwise. Engines without a compiler lack it. */
  compile?(part: Part): Promise<void>;
  dispose(): Promise<void>;
}
