/**
 * @file Writes the body of a StableHLO function, one operation a method. Shapes are static.
 *
 * Source  the StableHLO specification, openxla.org/stablehlo/spec; for `erf`, CHLO, which every XLA plugin reads.
 */
import type { Constant } from '../../graph/graph.ts';
import {
  bytesText,
  isSameShape,
  listText,
  nameText,
  numberText,
  STABLE_TYPES,
  type StableType,
  type StableValue,
  typeText,
} from './text.ts';

/** How a product of stacks of matrices is computed. */
export interface DotManner {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Element type of the result; sums are float32 in all. */
  readonly type: StableType;
  /** By DEFAULT, GPUs round float32 operands to TF32 and TPUs round them to bfloat16. */
  readonly precision: 'HIGHEST' | 'DEFAULT';
}

const typesText = (values: readonly StableValue[]) => values.map(typeText).join(', ');
const idsText = (values: readonly StableValue[]) => values.map(({ id }) => id).join(', ');

/** The operations of one function, in order. */
export class StableHloBuilder {
  readonly #lines: string[] = [];
  readonly #constants = new Map<string, StableValue>();
  #count = 0;

  /** The function @main around the operations. `attributes` of an argument may say what it is donated to. */
  main(
    inputs: readonly (StableValue & { readonly attributes?: string })[],
    outputs: readonly StableValue[],
  ): string {
    const list = inputs.map((value) => {
      const attributes = value.attributes === undefined ? '' : ` {${value.attributes}}`;
      return `${value.id}: ${typeText(value)}${attributes}`;
    });
    return [
      `  func.func public @main(${list.join(', ')}) -> (${typesText(outputs)}) {`,
      ...this.#lines,
      `    return ${idsText(outputs)} : ${typesText(outputs)}`,
      '  }',
    ].join('\n');
  }

  /** A number in every place of a shape. */
  splat(value: number, shape: readonly number[], type: StableType): StableValue {
    return this.#constant(numberText(value, type), shape, type);
  }

  constant({ data, shape, type }: Constant): StableValue {
    const first = Number(data[0]);
    const own = STABLE_TYPES[type];
    if (data.every((value) => value === first)) return this.splat(first, shape, own);
    // A truth value is a bit in StableHLO: only a list of words can say several.
    return this.#constant(own === 'i1' ? wordsText(data, shape) : bytesText(data), shape, own);
  }

  /** `axes` says which side of the result each side of `x` becomes; NumPy's rule unless given. */
  broadcast(
    x: StableValue,
    shape: readonly number[],
    axes: readonly number[] = x.shape.map((_, axis) => shape.length - x.shape.length + axis),
  ): StableValue {
    if (isSameShape(x.shape, shape)) return x;
    return this.#mapped(`broadcast_in_dim ${x.id}, dims = ${listText(axes)}`, [x], shape, x.type);
  }

  /** Elementwise, with NumPy's broadcasting. */
  binary(op: string, a: StableValue, b: StableValue): StableValue {
    const [left, right] = this.#together(a, b);
    return this.#append(
      `stablehlo.${op} ${idsText([left, right])} : ${typeText(left)}`,
      left.shape,
      left.type,
    );
  }

  equal(a: StableValue, b: StableValue): StableValue {
    const [left, right] = this.#together(a, b);
    const kinds = { f32: 'FLOAT', bf16: 'FLOAT', f16: 'FLOAT', i32: 'SIGNED' } as const;
    const kind = left.type in kinds ? kinds[left.type as keyof typeof kinds] : 'UNSIGNED';
    const text = `compare EQ, ${idsText([left, right])}, ${kind}`;
    return this.#mapped(text, [left, right], left.shape, 'i1');
  }

  unary(op: string, x: StableValue): StableValue {
    return this.#append(`stablehlo.${op} ${x.id} : ${typeText(x)}`, x.shape, x.type);
  }

  erf(x: StableValue): StableValue {
    return this.#append(`chlo.erf ${x.id} : ${typeText(x)} -> ${typeText(x)}`, x.shape, x.type);
  }

  /** To another element type; float32 to bfloat16 rounds to the nearest, ties to even. */
  convert(x: StableValue, type: StableType): StableValue {
    return x.type === type ? x : this.#mapped(`convert ${x.id}`, [x], x.shape, type);
  }

  /** Float32 values rounded to the nearest bfloat16, ties to even. No option of the compiler leaves it out, as it may conversions. */
  roundToBfloat16(x: StableValue): StableValue {
    const text = `stablehlo.reduce_precision ${x.id}, format = e8m7`;
    return this.#append(`${text} : ${typeText(x)}`, x.shape, x.type);
  }

  select(condition: StableValue, yes: StableValue, no: StableValue): StableValue {
    const text = `stablehlo.select ${idsText([condition, yes, no])}`;
    return this.#append(`${text} : ${typesText([condition, yes])}`, yes.shape, yes.type);
  }

  reshape(x: StableValue, shape: readonly number[]): StableValue {
    if (isSameShape(x.shape, shape)) return x;
    return this.#mapped(`reshape ${x.id}`, [x], shape, x.type);
  }

  transpose(x: StableValue, perm: readonly number[]): StableValue {
    const shape = perm.map((axis) => x.shape[axis] as number);
    return this.#mapped(`transpose ${x.id}, dims = ${listText(perm)}`, [x], shape, x.type);
  }

  /** As much as `shape` holds, from `begin` on; under a name where it is given. */
  slice(
    x: StableValue,
    begin: readonly number[],
    shape: readonly number[],
    name?: string,
  ): StableValue {
    if (isSameShape(x.shape, shape)) return x;
    const ranges = begin.map((first, axis) => `${first}:${first + (shape[axis] as number)}`);
    return this.#mapped(`slice ${x.id} [${ranges.join(', ')}]`, [x], shape, x.type, name);
  }

  concatenate(values: readonly StableValue[], axis: number): StableValue {
    const [first] = values as readonly [StableValue, ...StableValue[]];
    if (values.length === 1) return first;
    const sides = values.map(({ shape }) => shape[axis] as number);
    const whole = sides.reduce((sum, side) => sum + side);
    const text = `concatenate ${idsText(values)}, dim = ${axis}`;
    return this.#mapped(text, values, first.shape.with(axis, whole), first.type);
  }

  /** With a value before and after, along each axis. */
  pad(
    x: StableValue,
    value: StableValue,
    paddings: readonly (readonly [number, number])[],
  ): StableValue {
    const [low, high] = [paddings.map(([before]) => before), paddings.map(([, after]) => after)];
    const shape = x.shape.map((side, axis) => side + (low[axis] ?? 0) + (high[axis] ?? 0));
    const none = listText(paddings.map(() => 0));
    const sides = `low = ${listText(low)}, high = ${listText(high)}, interior = ${none}`;
    return this.#mapped(`pad ${idsText([x, value])}, ${sides}`, [x, value], shape, x.type);
  }

  /** The place of each element along an axis. */
  iota(axis: number, shape: readonly number[], type: StableType): StableValue {
    return this.#append(`stablehlo.iota dim = ${axis} : ${typeText({ shape, type })}`, shape, type);
  }

  /** The axes go, or stay with one place each. */
  reduce(
    op: 'add' | 'maximum' | 'minimum',
    x: StableValue,
    axes: readonly number[],
    keepDims = false,
  ): StableValue {
    const initial = this.splat(neutralOf(op, x.type), [], x.type);
    const shape = x.shape.filter((_, axis) => !axes.includes(axis));
    const text = `reduce(${x.id} init: ${initial.id}) applies stablehlo.${op} across dimensions`;
    const result = this.#mapped(`${text} = ${listText(axes)}`, [x, initial], shape, x.type);
    if (!keepDims) return result;
    return this.reshape(
      result,
      x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side)),
    );
  }

  /** Product of stacks of matrices, whose leading sides are equal. */
  dot(a: StableValue, b: StableValue, manner: DotManner): StableValue {
    const { transposeA, transposeB, type, precision } = manner;
    const [row, column] = [a.shape.length - 2, a.shape.length - 1];
    const stack = a.shape.slice(0, -2).map((_, axis) => axis);
    const [ofA, ofB] = [transposeA ? row : column, transposeB ? column : row];
    const sides = [a.shape[transposeA ? column : row], b.shape[transposeB ? row : column]];
    const batching = `batching_dims = ${listText(stack)} x ${listText(stack)}, `;
    return this.#mapped(
      `dot_general ${idsText([a, b])}, ${stack.length === 0 ? '' : batching}` +
        `contracting_dims = [${ofA}] x [${ofB}], precision = [${precision}, ${precision}]`,
      [a, b],
      [...a.shape.slice(0, -2), ...(sides as number[])],
      type,
    );
  }

  /** The values as they are; the compiler moves nothing from one side to the other, and joins nothing across. */
  barrier(values: readonly StableValue[]): StableValue[] {
    const text = `stablehlo.optimization_barrier ${idsText(values)} : ${typesText(values)}`;
    const [first] = values as readonly [StableValue, ...StableValue[]];
    if (values.length === 1) return [this.#append(text, first.shape, first.type)];
    const id = this.#name();
    this.#lines.push(`    ${id}:${values.length} = ${text}`);
    return values.map(({ shape, type }, index) => ({ id: `${id}#${index}`, shape, type }));
  }

  /** Equal constants are one. */
  #constant(contents: string, shape: readonly number[], type: StableType): StableValue {
    const text = `stablehlo.constant dense<${contents}> : ${typeText({ shape, type })}`;
    const constant = this.#constants.get(text) ?? this.#append(text, shape, type);
    this.#constants.set(text, constant);
    return constant;
  }

  /** Both in the shape that NumPy's broadcasting gives them. */
  #together(a: StableValue, b: StableValue): [StableValue, StableValue] {
    const rank = Math.max(a.shape.length, b.shape.length);
    const sideOf = ({ shape }: StableValue, axis: number) => shape[axis - rank + shape.length] ?? 1;
    const shape = Array.from({ length: rank }, (_, axis) => {
      return sideOf(a, axis) === 1 ? sideOf(b, axis) : sideOf(a, axis);
    });
    return [this.broadcast(a, shape), this.broadcast(b, shape)];
  }

  /** An operation whose result has another type than its operands. */
  #mapped(
    text: string,
    operands: readonly StableValue[],
    shape: readonly number[],
    type: StableType,
    name?: string,
  ): StableValue {
    const types = `(${typesText(operands)}) -> ${typeText({ shape, type })}`;
    return this.#append(`stablehlo.${text} : ${types}`, shape, type, name);
  }

  #append(text: string, shape: readonly number[], type: StableType, name?: string): StableValue {
    const id = name === undefined ? this.#name() : nameText(name);
    this.#lines.push(`    ${id} = ${text}`);
    return { id, shape, type };
  }

  #name(): string {
    this.#count += 1;
    return `%${this.#count}`;
  }
}

/** What a reduction begins with. */
function neutralOf(op: 'add' | 'maximum' | 'minimum', type: StableType): number {
  if (op === 'add') return 0;
  const isInteger = type === 'i32';
  if (op === 'maximum') return isInteger ? -(2 ** 31) : Number.NEGATIVE_INFINITY;
  return isInteger ? 2 ** 31 - 1 : Number.POSITIVE_INFINITY;
}

/** Truth values, in brackets by their shape. */
function wordsText(data: Constant['data'], shape: readonly number[]): string {
  const [side, ...rest] = shape;
  if (side === undefined) return numberText(Number(data[0]), 'i1');
  const size = data.length / side;
  const parts = Array.from({ length: side }, (_, index) =>
    wordsText(data.subarray(index * size, (index + 1) * size), rest),
  );
  return `[${parts.join(', ')}]`;
}

/** A module that has one function. */
export function moduleText(name: string, main: string): string {
  return `module @${name} {\n${main}\n}\n`;
}
