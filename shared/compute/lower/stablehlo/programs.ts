/**
 * @file The programs that run on a device, as StableHLO.
 *
 * Parameters and gradients are each one flat vector in the order of the parameter table: one buffer to hand over, one to
 * add, one to read.
 */
import type { ValueType } from '../../../core/floats.ts';
import { parameterTable } from '../../../model/parameters.ts';
import type { Graph, Value } from '../../graph/graph.ts';
import { simplify } from '../../graph/simplify.ts';
import { inputsOf, parametersOf } from '../../inputs.ts';
import type { ProgramSpec } from '../../program.ts';
import { gradientName, type Part, trainableEntries } from '../../step.ts';
import { moduleText, StableHloBuilder } from './builder.ts';
import { lowerGraph } from './lowerings.ts';
import { nameText, STABLE_TYPES, type StableValue } from './text.ts';

/** A buffer that a program takes or gives. */
export interface DeviceValue extends Value {
  readonly name: string;
}

/** A program for one device. */
export interface DeviceProgram {
  /** StableHLO, whose function is @main. */
  readonly text: string;
  readonly inputs: readonly DeviceValue[];
  readonly outputs: readonly DeviceValue[];
}

const float32 = (name: string, ...shape: number[]): DeviceValue => ({
  name,
  shape,
  type: 'float32',
});

/**
 * Writes a part of a step.
 *
 * Inputs: `parameters`, the whole flat vector also where some are frozen, then those of `inputsOf`. Outputs of
 * `training`: `gradient`, of what trains, and `sums`, which are loss and correct; of `forward`: `sums` and `logits`; of
 * `features`: `features`.
 *
 * Shapes  parameters [P], gradient [P - frozen], sums [2], logits [B, O], features [B, D].
 */
export function lowerPart(spec: ProgramSpec, part: Part, graph: Graph): DeviceProgram {
  const to = new StableHloBuilder();
  const table = parameterTable(spec.model);
  const inputs = [float32('parameters', table.size), ...inputsOf(spec, part)];
  const values = new Map(inputs.map((input) => [input.name, argument(input)]));
  const parameters = new Map(parametersOf(spec, part).map((entry) => [entry.name, entry]));
  const inputOf = (name: string) => {
    const entry = parameters.get(name);
    if (entry === undefined) return values.get(name) as StableValue;
    const flat = values.get('parameters') as StableValue;
    return to.reshape(to.slice(flat, [entry.offset], [entry.size], name), entry.shape);
  };
  const { precision = 'f32' } = spec;
  const made = lowerGraph(simplify(graph), { to, precision, inputOf });
  const get = (name: string) => made.get(name) as StableValue;
  const outputs = outputsOf(spec, part).map(({ name }) => {
    if (name === 'sums') return flatOf(to, ['loss', 'correct'].map(get));
    if (name !== 'gradient') return get(name);
    const gradients = trainableEntries(spec).map((entry) => get(gradientName(entry.name)));
    return rounded(to, flatOf(to, gradients), spec.gradients);
  });
  const main = to.main([...values.values()], outputs);
  return { text: moduleText(part, main), inputs, outputs: outputsOf(spec, part) };
}

/** What a part gives. */
function outputsOf(spec: ProgramSpec, part: Part): DeviceValue[] {
  const { model, microBatch, frozen = 0 } = spec;
  const sums = float32('sums', 2);
  if (part === 'features') return [float32('features', microBatch, model.width)];
  if (part === 'forward') return [sums, float32('logits', microBatch, model.numClasses)];
  return [float32('gradient', parameterTable(model).size - frozen), sums];
}

/** Adds two vectors of a size, in the memory of the left one, which is donated, and rounds the sum as nodes are. */
export function addProgram(size: number, type?: ValueType): DeviceProgram {
  const to = new StableHloBuilder();
  const inputs = [float32('left', size), float32('right', size)];
  const [left, right] = inputs.map(argument) as [StableValue, StableValue];
  const sum = rounded(to, to.binary('add', left, right), type);
  const main = to.main([{ ...left, attributes: 'tf.aliasing_output = 0 : i32' }, right], [sum]);
  return { text: moduleText('add', main), inputs, outputs: [float32('sum', size)] };
}

/** What a run rounds the gradients of leaves and their sums to. */
function rounded(to: StableHloBuilder, values: StableValue, type: ValueType = 'f32'): StableValue {
  return type === 'f32' ? values : to.roundToBfloat16(values);
}

function argument({ name, shape, type }: DeviceValue): StableValue {
  return { id: nameText(name), shape, type: STABLE_TYPES[type] };
}

/** One vector of all values. */
function flatOf(to: StableHloBuilder, values: readonly StableValue[]): StableValue {
  const sizeOf = ({ shape }: StableValue) => shape.reduce((size, side) => size * side, 1);
  return to.concatenate(
    values.map((value) => to.reshape(value, [sizeOf(value)])),
    0,
  );
}
