/** @file From the graph of one image to an ONNX graph for any number of them. */
import type { Graph, GraphNode, Value } from '../../shared/compute/graph/graph.ts';
import { type Lowerings, lowerToOnnx } from '../../shared/compute/lower/onnx.ts';
import type { OnnxBuilder, OnnxGraph, OnnxValue } from '../../shared/compute/lower/onnx-graph.ts';

/**
 * Writes a graph that was recorded for one image, so that its model takes any number of images. The first side of all that
 * is computed of images is a multiple of their number.
 */
export function lowerForAnyBatch(graph: Graph): OnnxGraph {
  const ofImages = dependents(graph);
  const lowerings: Partial<Lowerings> = {
    reshape({ inputs, outputs }, to) {
      const [, ...rest] = (outputs[0] as Value).shape;
      to.node('Reshape', [...inputs, to.integers([-1, ...rest])], outputs);
    },
    slice: lowerSlice,
    concat({ inputs, outputs, params: { axis } }, to) {
      const images = inputs.find((value) => ofImages.has(value));
      const repeated = inputs.map((value) =>
        images === undefined || ofImages.has(value) ? value : repeat(value, images, to),
      );
      to.node('Concat', repeated, outputs, { axis });
    },
  };
  const lowered = lowerToOnnx(graph, lowerings);
  const anyBatch = (values: readonly OnnxValue[]) =>
    values.map((value) => ({ ...value, shape: ['batch', ...value.shape.slice(1)] }));
  return { ...lowered, inputs: anyBatch(lowered.inputs), outputs: anyBatch(lowered.outputs) };
}

/** The values that depend on an input. */
function dependents({ inputs, nodes }: Graph): ReadonlySet<Value> {
  const found = new Set(inputs.values());
  for (const node of nodes) {
    if (!node.inputs.some((value) => found.has(value))) continue;
    for (const value of node.outputs) found.add(value);
  }
  return found;
}

/** Cuts only the axes of which something is left out. */
function lowerSlice({ inputs, outputs, params }: GraphNode<'slice'>, to: OnnxBuilder): void {
  const [from, into] = [inputs[0] as Value, outputs[0] as Value];
  const axes = from.shape.map((_, axis) => axis);
  const cut = axes.filter((axis) => from.shape[axis] !== into.shape[axis]);
  const begins = cut.map((axis) => params.begin[axis] as number);
  const ends = cut.map((axis, at) => (begins[at] as number) + (into.shape[axis] as number));
  const lists = [begins, ends, cut].map((list) => to.integers(list));
  to.node('Slice', [...inputs, ...lists], outputs);
}

/** A value once for each image; its first side is 1. */
function repeat(value: Value, images: Value, to: OnnxBuilder): string {
  const [count, shape, repeated] = [to.name(), to.name(), to.name()];
  to.node('Shape', [images], [count], { start: 0, end: 1 });
  const ones = to.integers(value.shape.slice(1).map(() => 1));
  to.node('Concat', [count, ones], [shape], { axis: 0 });
  to.node('Expand', [value, shape], [repeated]);
  return repeated;
}
