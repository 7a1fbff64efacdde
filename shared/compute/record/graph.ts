/** @file A recorded computation: named values, and the nodes that make them, in order. */

/** Kinds of values, by TensorFlow.js's names and ONNX's `int64` for shapes and the like. */
export type ValueType = 'float32' | 'int32' | 'bool' | 'int64';

/** A named tensor whose shape is known. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ValueType;
}

/** A tensor whose contents are known too. */
export interface Constant extends Value {
  readonly data: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}

/** An attribute of a node: integers and lists of them are ONNX ints, `{ float }` is an ONNX float. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** One operation, in ONNX's words. */
export interface GraphNode {
  readonly op: string;
  /** '' for standard ONNX operators, 'com.microsoft' for ONNX Runtime's own. */
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A whole computation; every node comes after those whose outputs it reads. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly GraphNode[];
  /** Of every value, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Collects a graph while it is recorded. */
export class GraphBuilder {
  readonly inputs: Value[] = [];
  readonly nodes: GraphNode[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #shapes = new Map<string, readonly number[]>();
  #values = 0;

  /** Declares an input. */
  input(name: string, shape: readonly number[], type: ValueType): Value {
    const value = { name, shape, type };
    this.inputs.push(value);
    this.#shapes.set(name, shape);
    return value;
  }

  /** A constant; equal small ones are shared. */
  constant(data: Constant['data'], shape: readonly number[], type: ValueType): Constant {
    const key = data.length <= 16 ? `${type}[${shape}]${data.join()}` : `#${this.#constants.size}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const constant = { name: `c${this.#constants.size}`, shape, type, data };
    this.#constants.set(key, constant);
    this.#shapes.set(constant.name, shape);
    return constant;
  }

  /** A list of integers as ONNX wants shapes, axes and pads. */
  integers(values: readonly number[]): Constant {
    return this.constant(BigInt64Array.from(values.map(BigInt)), [values.length], 'int64');
  }

  /** Appends a node; its outputs have the given shapes. */
  node(
    op: string,
    inputs: readonly Value[],
    outputs: readonly { readonly shape: readonly number[]; readonly type: ValueType }[],
    attributes: GraphNode['attributes'] = {},
    domain: GraphNode['domain'] = '',
  ): Value[] {
    const made = outputs.map(({ shape, type }) => {
      this.#values += 1;
      const name = `v${this.#values}`;
      this.#shapes.set(name, shape);
      return { name, shape, type };
    });
    this.nodes.push({
      op,
      domain,
      inputs: inputs.map((value) => value.name),
      outputs: made.map((value) => value.name),
      attributes,
    });
    return made;
  }

  /** The graph of the given outputs under their names. */
  finish(outputs: ReadonlyMap<string, Value>): Graph {
    const named = [...outputs].map(([name, value]) => {
      this.nodes.push({
        op: 'Identity',
        domain: '',
        inputs: [value.name],
        outputs: [name],
        attributes: {},
      });
      this.#shapes.set(name, value.shape);
      return { ...value, name };
    });
    return {
      inputs: this.inputs,
      outputs: named,
      constants: [...this.#constants.values()],
      nodes: this.nodes,
      shapes: this.#shapes,
    };
  }
}
