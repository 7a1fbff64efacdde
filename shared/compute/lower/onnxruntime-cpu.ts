/** @file From a recorded graph to the operators that ONNX Runtime is fastest with on CPUs, in bits that threads do not change. */
import { type Graph, type GraphNode, graphNode, type Value } from '../graph/graph.ts';
import { simplify } from '../graph/simplify.ts';
import { lowerGemm, lowerToOnnx } from './onnx.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** How many terms ONNX Runtime adds up before it begins another partial sum. */
const TERMS_AT_ONCE = 128;

/** Matrices become one Gemm each, stacks of matrices ONNX Runtime's own product, which transposes in place. */
export function lowerForCpu(graph: Graph): OnnxGraph {
  return lowerToOnnx(simplify(transposeWide(graph)), {
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
