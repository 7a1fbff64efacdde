/** @file From a recorded graph to the operators that ONNX Runtime is fastest with on CPUs, in bits that threads do not change. */
import { type Graph, type GraphNode, graphNode, type Value } from '../graph/graph.ts';
import { simplify } from '../graph/simplify.ts';
import { lowerGemm, lowerToOnnx } from './onnx.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** How many terms ONNX Runtime adds up before it begins another partial sum. */
const TERMS_AT_ONCE = 128;
/** Up to so many columns it adds more terms at once, unless it transposes the left matrix itself. */
const NARROW = 64;

/** Matrices become one Gemm each, stacks of matrices ONNX Runtime's own product, which transposes in place. */
export function lowerForCpu(graph: Graph): OnnxGraph {
  return lowerToOnnx(transposeOnce(simplify(transposeWide(graph))), {
    matMul(node, to) {
      const { inputs, outputs, params } = node;
      const [product] = outputs as [Value];
      if (product.shape.length === 2) return lowerGemm(node, to);
      const [transA, transB] = [params.transposeA ? 1 : 0, params.transposeB ? 1 : 0];
      const attributes = { transA, transB, alpha: { float: params.scale } };
      to.node('FusedMatMul', inputs, outputs, attributes, 'com.microsoft');
    },
  });
}

/**
 * Transposes the left matrix of each product that is wider than high in advance.
 *
 * ONNX Runtime divides such a product by columns, and the fewer columns a thread gets, the more terms it adds
 * in one go: the bits would depend on the number of threads. Where it transposes the left matrix itself, they
 * do not (promise P2). It happens before scales are folded, which it keeps from some products.
 *
 * Source  ONNX Runtime, MLAS sgemm.cpp: the strides of MlasSgemmOperation.
 */
function transposeWide(graph: Graph): Graph {
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (node.op !== 'matMul' || node.params.transposeA) return [node];
    const [left, right] = node.inputs as [Value, Value];
    const [rows, columns] = (node.outputs[0] as Value).shape as [number, number];
    const [, terms] = left.shape as [number, number];
    if (left.shape.length > 2 || right.shape.length > 2) return [node];
    if (rows >= columns || terms <= TERMS_AT_ONCE) return [node];
    const shape = left.shape.toReversed();
    const turned = graphNode('transpose', [left], [{ ...left, shape }], { perm: [1, 0] });
    const inputs = [...turned.outputs, right];
    return [turned, { ...node, inputs, params: { ...node.params, transposeA: true } }];
  });
  return { ...graph, nodes };
}

/**
 * Transposes once, in advance, what ONNX Runtime would transpose again for each 128 columns of a product: the left matrix
 * of a weight's gradient.
 *
 * Divided by rows, such a product has the same bits for any number of threads, so it must not be wider than high: a wide
 * one is computed transposed, and turned. The bits are those of the product that it was; a narrow one, whose bits would
 * be others, stays. ViT-Ti/16, batch 8, one thread: 3 to 5 % less time.
 *
 * Source  ONNX Runtime, MLAS sgemm.cpp: MlasSgemmOperation, MlasGemmBatch.
 */
function transposeOnce(graph: Graph): Graph {
  const turns = new Set(
    graph.nodes.filter(({ op }) => op === 'transpose').flatMap((node) => node.outputs),
  );
  const turned = (value: Value) =>
    graphNode('transpose', [value], [{ ...value, shape: value.shape.toReversed() }], {
      perm: [1, 0],
    });
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    if (node.op !== 'matMul' || !node.params.transposeA || node.params.transposeB) return [node];
    const [left, right, bias] = node.inputs as [Value, Value, Value?];
    const [terms = 0, rows = 0, ...more] = left.shape;
    const [, columns = 0] = right.shape;
    if (more.length > 0 || bias !== undefined || turns.has(left)) return [node];
    if (terms <= TERMS_AT_ONCE || Math.min(rows, columns) <= NARROW) return [node];
    const params = { ...node.params, transposeA: false };
    const first = turned(rows < columns ? right : left);
    const [operand] = first.outputs as [Value];
    if (rows >= columns) return [first, { ...node, inputs: [operand, right], params }];
    const [gradient] = node.outputs as [Value];
    const product = graphNode(
      'matMul',
      [operand, left],
      [{ ...gradient, shape: [columns, rows] }],
      params,
    );
    const { outputs } = node;
    const back: GraphNode = {
      ...{ op: 'transpose', inputs: product.outputs, outputs, params: { perm: [1, 0] } },
    };
    return [first, product, back];
  });
  return { ...graph, nodes };
}
