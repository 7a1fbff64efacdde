/** @file An ONNX graph whose weights take less room in the file; the computation stays in float32. */
import type { OnnxConstant, OnnxGraph, OnnxNode } from '../../shared/compute/lower/onnx-graph.ts';
import { ONNX_TYPES } from '../../shared/compute/lower/onnx-model.ts';
import { toHalves } from '../../shared/core/floats.ts';

/** How the matrices of a model are stored: as they are, in halves, or in 8 bits with a scale for each row. */
export type WeightStorage = 'float32' | 'float16' | 'int8';

/** Stores the matrices of a graph; vectors (biases, norms) and what else is small stay as they are. */
export function withStoredWeights(graph: OnnxGraph, storage: WeightStorage): OnnxGraph {
  if (storage === 'float32') return graph;
  const parts = graph.constants.map((constant) => {
    const { type, shape, name } = constant;
    const isMatrix = type === 'float32' && shape.length > 1 && name.endsWith('.weight');
    if (!isMatrix) return { constants: [constant], nodes: [] };
    return storage === 'float16' ? inHalves(constant) : inBytes(constant);
  });
  return {
    ...graph,
    constants: parts.flatMap(({ constants }) => constants),
    nodes: [...parts.flatMap(({ nodes }) => nodes), ...graph.nodes],
  };
}

/** Constants, and the nodes that make the weight of them. */
interface Stored {
  readonly constants: readonly OnnxConstant[];
  readonly nodes: readonly OnnxNode[];
}

function inHalves({ name, shape, data }: OnnxConstant): Stored {
  const halves = `${name}.f16`;
  const attributes = { to: ONNX_TYPES.float32 };
  return {
    constants: [{ name: halves, shape, type: 'float16', data: toHalves(data as Float32Array) }],
    nodes: [{ op: 'Cast', domain: '', inputs: [halves], outputs: [name], attributes }],
  };
}

/** Largest whole number of 8 bits with a sign: the range is symmetric, so there is no zero point. */
const LARGEST = 127;

function inBytes({ name, shape, data }: OnnxConstant): Stored {
  const weights = data as Float32Array;
  const [rows = 1] = shape;
  const columns = weights.length / rows;
  const scales = new Float32Array(rows);
  const bytes = new Int8Array(weights.length);
  for (let row = 0; row < rows; row += 1) {
    const values = weights.subarray(row * columns, (row + 1) * columns);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    scales[row] = largest === 0 ? 1 : largest / LARGEST;
    for (let at = 0; at < columns; at += 1) {
      bytes[row * columns + at] = Math.round((values[at] as number) / (scales[row] as number));
    }
  }
  const [stored, scale] = [`${name}.int8`, `${name}.scale`];
  return {
    constants: [
      { name: stored, shape, type: 'int8', data: bytes },
      { name: scale, shape: [rows], type: 'float32', data: scales },
    ],
    nodes: [
      {
        ...{ op: 'DequantizeLinear', domain: '', inputs: [stored, scale], outputs: [name] },
        attributes: { axis: 0 },
      },
    ],
  };
}
