/** @file A computation in ONNX's terms: named values and the nodes that make them. */
import type { Constant, Value } from '../graph/graph.ts';

/** Element types: those of a recorded graph, `int64` for shapes, axes and the like, `int8` for weights that are stored so. */
export type OnnxType = Value['type'] | 'int64' | 'int8';

/** A named tensor; a side that has a name is any number. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly type: OnnxType;
}

/** A named tensor whose contents are in the model. */
export interface OnnxConstant extends OnnxValue {
  readonly shape: readonly number[];
  readonly data: Constant['data'] | BigInt64Array | Uint16Array | Int8Array;
}

/** An attribute of a node: integers and lists of them are ONNX ints, `{ float }` is an ONNX float. */
export type Attribute = number | readonly number[] | { readonly float: number };
type Attributes = Readonly<Record<string, Attribute>>;

/** One operator. */
export interface OnnxNode {
  readonly op: string;
  /** '' for standard ONNX operators, 'com.microsoft' for ONNX Runtime's own. */
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A whole model. */
export interface OnnxGraph {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly OnnxConstant[];
  readonly nodes: readonly OnnxNode[];
}

/** Up to so many elements, equal constants are shared. */
const SHARED_MAX = 16;

/** Collects nodes; a value gets its name when it is first met, and a constant its place in the model. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxConstant>();
  readonly #names: Map<Value, string>;
  #count = 0;

  constructor(inputs: ReadonlyMap<string, Value>) {
    this.#names = new Map([...inputs].map(([name, value]) => [value, name]));
  }

  get constants(): readonly OnnxConstant[] {
    return [...this.#constants.values()];
  }

  /** Appends a node. Inputs and outputs are values, or names of what there is in ONNX only. */
  node(
    op: string,
    inputs: readonly (Value | string)[],
    outputs: readonly (Value | string)[],
    attributes: Attributes = {},
    domain: OnnxNode['domain'] = '',
  ): void {
    const named = (list: typeof inputs) =>
      list.map((each) => (typeof each === 'string' ? each : this.#nameOf(each)));
    this.nodes.push({ op, domain, inputs: named(inputs), outputs: named(outputs), attributes });
  }

  /** A new name. */
  name(): string {
    this.#count += 1;
    return `v${this.#count}`;
  }

  /** Adds a constant; returns its name. */
  constant(
    data: OnnxConstant['data'],
    shape: readonly number[],
    type: OnnxType,
    name?: string,
  ): string {
    const isShared = name === undefined && data.length <= SHARED_MAX;
    const own = name ?? `c${this.#constants.size}`;
    const key = isShared ? `${type}[${shape}]${data.join()}` : own;
    const constant = this.#constants.get(key) ?? { name: own, shape, type, data };
    this.#constants.set(key, constant);
    return constant.name;
  }

  /** Adds a list of integers, as ONNX takes shapes, axes and pads; returns its name. */
  integers(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values.map(BigInt)), [values.length], 'int64');
  }

  #nameOf(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const { data, shape, type, name } = value as Partial<Constant> & Value;
    const made = data === undefined ? this.name() : this.constant(data, shape, type, name);
    this.#names.set(value, made);
    return made;
  }
}
