/** @file A recorded computation: typed operations in order, in terms that belong to no engine. */

/** Element types; the last two are for inputs, which a `cast` makes float32. */
export type ValueType = 'float32' | 'int32' | 'bool' | 'float16' | 'uint8';

/** A tensor of the computation. Two are the same when they are the same object. */
export interface Value {
  readonly shape: readonly number[];
  readonly type: ValueType;
}

/** A tensor whose contents are known too. */
export interface Constant extends Value {
  readonly data: Float32Array | Int32Array | Uint8Array;
  /** Where it is a parameter of the model. */
  readonly name?: string;
}

type NoParams = Readonly<Record<string, never>>;

/** Parameters of each operation; what follows from the shapes and types of its inputs and outputs is not repeated. */
export interface Operations {
  // Elementwise, with NumPy's broadcasting.
  readonly add: NoParams;
  readonly sub: NoParams;
  readonly mul: NoParams;
  readonly div: NoParams;
  readonly max: NoParams;
  readonly equal: NoParams;
  readonly neg: NoParams;
  readonly exp: NoParams;
  readonly log: NoParams;
  readonly erf: NoParams;
  readonly sqrt: NoParams;
  /** To the type of the output. */
  readonly cast: NoParams;
  /** Each input as it is. A compiler must not join what is before it with what is behind, nor compute one for the other. */
  readonly barrier: NoParams;
  // Reductions.
  readonly reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly reduceMax: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** Index of the first largest element, int32; the axis goes. */
  readonly argMax: { readonly axis: number };
  // Shapes.
  readonly reshape: NoParams;
  readonly transpose: { readonly perm: readonly number[] };
  /** As much as the output holds, from `begin` on. */
  readonly slice: { readonly begin: readonly number[] };
  readonly concat: { readonly axis: number };
  /** Into the sides of the outputs. */
  readonly split: { readonly axis: number };
  readonly pad: {
    readonly paddings: readonly (readonly [number, number])[];
    readonly value: number;
  };
  readonly oneHot: { readonly on: number; readonly off: number };
  // A Vision Transformer's own.
  /** scale * (a x b) + biasScale * bias: matrices or stacks of them, broadcast; the bias, a vector, may be missing. */
  readonly matMul: {
    readonly transposeA: boolean;
    readonly transposeB: boolean;
    readonly scale: number;
    readonly biasScale: number;
  };
  /** Over the last axis. */
  readonly softmax: NoParams;
  /** x, gamma and beta to the normalised rows, their means and their inverse deviations. */
  readonly layerNorm: { readonly epsilon: number };
}

export type Op = keyof Operations;

/** One operation; with `O` given, that one. */
export type GraphNode<O extends Op = Op> = {
  [P in O]: {
    readonly op: P;
    readonly params: Operations[P];
    readonly inputs: readonly Value[];
    readonly outputs: readonly Value[];
  };
}[O];

/** A whole computation; every node comes after those whose outputs it reads. */
export interface Graph {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly nodes: readonly GraphNode[];
  /** Values by the names of `blockMarks`, where they were asked for. */
  readonly marks?: ReadonlyMap<string, Value>;
}

/** A node and its outputs, which are new values of the given shapes and types. */
export function graphNode<O extends Op>(
  op: O,
  inputs: readonly Value[],
  outputs: readonly Value[],
  params: Operations[O],
): GraphNode {
  const made = outputs.map(({ shape, type }) => ({ shape, type }));
  return { op, params, inputs, outputs: made } as GraphNode;
}
