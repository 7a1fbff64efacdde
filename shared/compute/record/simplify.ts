/**
 * @file Makes a recorded graph cheaper without changing what it computes.
 *
 * ONNX Runtime fuses what inference graphs contain; these are what a backward pass adds. Every pass over
 * the activations that goes away counts, for elementwise passes are the time that matrix products leave.
 */
import type { Graph, GraphNode } from './graph.ts';

/** Applies all rewrites, then drops what nobody needs. */
export function simplify(graph: Graph): Graph {
  return dropUnused(foldScales(fuseBiases(dropUnused(graph))));
}

/** Who reads each value. Outputs of the graph are read by their Identity nodes, so they count too. */
function readersOf(nodes: readonly GraphNode[]): Map<string, GraphNode[]> {
  const readers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return readers;
}

function producersOf(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** Removes nodes and constants that no output depends on. */
function dropUnused(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    for (const name of node.inputs) needed.add(name);
    nodes.push(node);
  }
  const constants = graph.constants.filter(({ name }) => needed.has(name));
  return { ...graph, constants, nodes: nodes.reverse() };
}

/** Add(Gemm(a, b), vector) becomes Gemm(a, b, vector): the bias costs no pass of its own. */
function fuseBiases(graph: Graph): Graph {
  const readers = readersOf(graph.nodes);
  const producers = producersOf(graph.nodes);
  const shapes = new Map(
    [...graph.inputs, ...graph.constants].map(({ name, shape }) => [name, shape]),
  );
  const absorbed = new Set<GraphNode>();
  const nodes = graph.nodes.map((node) => {
    const [product, bias] = node.inputs as [string, string];
    const gemm = producers.get(product);
    const isBias = node.op === 'Add' && shapes.get(bias)?.length === 1;
    if (!isBias || gemm?.op !== 'Gemm' || gemm.inputs.length > 2) return node;
    if (readers.get(product)?.length !== 1) return node;
    absorbed.add(gemm);
    return { ...gemm, inputs: [...gemm.inputs, bias], outputs: node.outputs };
  });
  return { ...graph, nodes: nodes.filter((node) => !absorbed.has(node)) };
}

const PRODUCTS: ReadonlySet<string> = new Set(['Gemm', 'FusedMatMul']);

/**
 * Multiplications by a constant move into the products beside them, which scale for nothing:
 * Mul(Gemm(...), c) into the product before, Gemm(Mul(x, c), ...) into those after.
 */
function foldScales(graph: Graph): Graph {
  const scalars = new Map(
    // A single number of rank 1 or more is no scalar: it may raise the rank of what it multiplies.
    graph.constants.flatMap(({ name, shape, type, data }) =>
      type === 'float32' && shape.length === 0 ? [[name, Number(data[0])] as const] : [],
    ),
  );
  let nodes: readonly GraphNode[] = graph.nodes;
  for (const node of graph.nodes) {
    if (node.op !== 'Mul') continue;
    const [a, b] = node.inputs as [string, string];
    const [x, scale] = scalars.has(b) ? [a, scalars.get(b)] : [b, scalars.get(a)];
    if (scale === undefined) continue;
    nodes =
      foldIntoProducer(nodes, node, x, scale) ?? foldIntoReaders(nodes, node, x, scale) ?? nodes;
  }
  return { ...graph, nodes };
}

function foldIntoProducer(
  nodes: readonly GraphNode[],
  multiplication: GraphNode,
  x: string,
  scale: number,
): GraphNode[] | undefined {
  const product = nodes.find((node) => node.outputs.includes(x));
  const isOnlyReader = nodes.filter((node) => node.inputs.includes(x)).length === 1;
  if (product === undefined || !PRODUCTS.has(product.op) || !isOnlyReader) return undefined;
  return nodes.flatMap((node) => {
    if (node === product) return [];
    return node === multiplication
      ? [{ ...scaled(product, scale, true), outputs: multiplication.outputs }]
      : [node];
  });
}

function foldIntoReaders(
  nodes: readonly GraphNode[],
  multiplication: GraphNode,
  x: string,
  scale: number,
): GraphNode[] | undefined {
  const [y] = multiplication.outputs as [string];
  const readers = nodes.filter((node) => node.inputs.includes(y));
  const canScale = (reader: GraphNode) =>
    PRODUCTS.has(reader.op) && reader.inputs[2] !== y && reader.inputs[0] !== reader.inputs[1];
  if (readers.length === 0 || !readers.every(canScale)) return undefined;
  return nodes.flatMap((node) => {
    if (node === multiplication) return [];
    if (!readers.includes(node)) return [node];
    const inputs = node.inputs.map((name) => (name === y ? x : name));
    return [{ ...scaled(node, scale, false), inputs }];
  });
}

/** A product times a constant; the bias is scaled too when the whole result is. */
function scaled(product: GraphNode, scale: number, withBias: boolean): GraphNode {
  const times = (name: string) => {
    const attribute = product.attributes[name] as { float: number };
    return { float: attribute.float * scale };
  };
  const beta = withBias && product.op === 'Gemm' ? { beta: times('beta') } : {};
  return { ...product, attributes: { ...product.attributes, alpha: times('alpha'), ...beta } };
}
