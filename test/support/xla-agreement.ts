/** @file Runs a recorded function as StableHLO on the CPU plugin, for `agreement.ts`. */
import { Client } from '../../shared/compute/engines/xla/client.ts';
import { encodeCompileOptions } from '../../shared/compute/engines/xla/compile-options.ts';
import { Plugin } from '../../shared/compute/engines/xla/plugin.ts';
import type { Graph, Value } from '../../shared/compute/graph/graph.ts';
import { moduleText, StableHloBuilder } from '../../shared/compute/lower/stablehlo/builder.ts';
import { lowerGraph } from '../../shared/compute/lower/stablehlo/lowerings.ts';
import { overridesOf } from '../../shared/compute/lower/stablehlo/products.ts';
import {
  nameText,
  STABLE_TYPES,
  type StableValue,
} from '../../shared/compute/lower/stablehlo/text.ts';
import type { Precision } from '../../shared/model/precision.ts';
import type { Results } from './agreement.ts';
import { XLA_CPU } from './xla.ts';

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  float16: Uint16Array,
};

/** One device of the CPU plugin; the caller destroys it. */
export function openXlaCpu(): Client {
  return new Client(new Plugin(XLA_CPU as string), { cpu_device_count: 1 });
}

/** A graph as the text of a program that takes its inputs one by one, and that text's types. */
export function moduleOf(graph: Graph, precision: Precision = 'f32') {
  const to = new StableHloBuilder();
  const inputs = [...graph.inputs].map(([name, { shape, type }]): [string, StableValue] => {
    return [name, { id: nameText(name), shape, type: STABLE_TYPES[type] }];
  });
  const named = new Map(inputs);
  const inputOf = (name: string) => named.get(name) as StableValue;
  const outputs = lowerGraph(graph, { to, precision, inputOf });
  const text = moduleText('function', to.main([...named.values()], [...outputs.values()]));
  return { text, inputs: [...graph.inputs.values()], outputs: [...graph.outputs.values()] };
}

/** Runs a graph on values of its inputs. */
export function runOnXla(
  client: Client,
  graph: Graph,
  data: readonly ArrayBufferView[],
  precision: Precision = 'f32',
): Results {
  const [device] = client.devices as [never];
  const { text, ...signature } = moduleOf(graph, precision);
  const program = client.compile(text, encodeCompileOptions(overridesOf(precision)), signature);
  const args = signature.inputs.map((type, i) => client.put(data[i]!, type, device));
  const outputs = program.execute(args, device);
  const read = ({ shape, type }: Value, i: number) => {
    const length = shape.reduce((size, side) => size * side, 1);
    return { type, shape, data: outputs[i]!.read(new ARRAYS[type](length)) };
  };
  const results = [...graph.outputs].map(([name, value], i) => [name, read(value, i)] as const);
  for (const each of [...args, ...outputs, program]) each.destroy();
  return new Map(results);
}
