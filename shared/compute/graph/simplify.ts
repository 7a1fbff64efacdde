/**
 * @file Makes a recorded graph cheaper without changing what it computes.
 *
 * Engines fuse what inference graphs contain; these are what a backward pass adds. Every pass over the
 * activations that goes away counts, for elementwise passes are the time that matrix products leave.
 */
import type { Graph, GraphNode, Value } from './graph.ts';

/** Applies all rewrites, then drops what no output depends on. */
export function simplify(graph: Graph): Graph {
  return dropUnused(foldScales(fuseBiases(dropUnused(graph))));
}

/** What reads a value: nodes, and `undefined` where it is an output of the graph. */
function readersOf({ nodes, outputs }: Graph, value: Value): (GraphNode | undefined)[] {
  const isOutput = [...outputs.values()].includes(value);
  const readers = nodes.filter(({ inputs }) => inputs.includes(value));
  return isOutput ? [...readers, undefined] : readers;
}

/** Removes nodes that no output depends on. */
function dropUnused(graph: Graph): Graph {
  const needed = new Set(graph.outputs.values());
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => needed.has(value))) continue;
    for (const value of node.inputs) needed.add(value);
    nodes.push(node);
  }
  return { ...graph, nodes: nodes.reverse() };
}

/** add(matMul(a, b), vector) becomes matMul(a, b, vector): the bias costs no pass of its own. */
function fuseBiases(graph: Graph): Graph {
  const producers = producersOf(graph.nodes);
  const absorbed = new Set<GraphNode>();
  const nodes = graph.nodes.map((node): GraphNode => {
    if (node.op !== 'add') return node;
    const [sum, bias] = node.inputs as [Value, Value];
    const product = producers.get(sum);
    // A bias that is computed may come after the product.
    const isBias = bias.shape.length === 1 && !producers.has(bias);
    if (!isBias || product?.op !== 'matMul' || sum.shape.length !== 2) return node;
    if (product.inputs.length > 2 || readersOf(graph, sum).length !== 1) return node;
    absorbed.add(product);
    return { ...product, inputs: [...product.inputs, bias], outputs: node.outputs };
  });
  return { ...graph, nodes: nodes.filter((node) => !absorbed.has(node)) };
}

function producersOf(nodes: readonly GraphNode[]): Map<Value, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
}

/**
 * Multiplications by a constant move into the products beside them, which scale for nothing:
 * mul(matMul(...), c) into the product before, matMul(mul(x, c), ...) into those after.
 */
function foldScales(graph: Graph): Graph {
  let folded = graph;
  for (const node of graph.nodes) {
    if (node.op !== 'mul') continue;
    const [a, b] = node.inputs as [Value, Value];
    const [x, scale] = scalarIn(b) === undefined ? [b, scalarIn(a)] : [a, scalarIn(b)];
    if (scale === undefined) continue;
    folded =
      foldIntoProducer(folded, node, x, scale) ?? foldIntoReaders(folded, node, x, scale) ?? folded;
  }
  return folded;
}

/** The number in a scalar constant. One of rank 1 or more is none: it may raise the rank of what it multiplies. */
function scalarIn(value: Value): number | undefined {
  const isScalar = 'data' in value && value.type === 'float32' && value.shape.length === 0;
  return isScalar ? Number((value.data as Float32Array)[0]) : undefined;
}

function foldIntoProducer(
  graph: Graph,
  multiplication: GraphNode,
  x: Value,
  scale: number,
): Graph | undefined {
  const product = graph.nodes.find((node) => node.outputs.includes(x));
  if (product?.op !== 'matMul' || readersOf(graph, x).length !== 1) return undefined;
  const { params } = product;
  // The bias is scaled too: it is a part of the result.
  const scaled = { scale: params.scale * scale, biasScale: params.biasScale * scale };
  const whole = { ...product, params: { ...params, ...scaled }, outputs: multiplication.outputs };
  const nodes = graph.nodes.flatMap((node) => {
    if (node === product) return [];
    return node === multiplication ? [whole] : [node];
  });
  return { ...graph, nodes };
}

function foldIntoReaders(
  graph: Graph,
  multiplication: GraphNode,
  x: Value,
  scale: number,
): Graph | undefined {
  const [y] = multiplication.outputs as [Value];
  const readers = readersOf(graph, y);
  const canScale = (reader: GraphNode | undefined) =>
    reader?.op === 'matMul' && reader.inputs[2] !== y && reader.inputs[0] !== reader.inputs[1];
  if (readers.length === 0 || !readers.every(canScale)) return undefined;
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (node === multiplication) return [];
    if (node.op !== 'matMul' || !readers.includes(node)) return [node];
    const inputs = node.inputs.map((value) => (value === y ? x : value));
    return [{ ...node, inputs, params: { ...node.params, scale: node.params.scale * scale } }];
  });
  return { ...graph, nodes };
}
