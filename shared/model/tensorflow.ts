/**
 * @file TensorFlow.js: what is used of it.
 *
 * It is a CommonJS file of a megabyte. `import` parses such a file for the names that it exports before it runs it, in
 * JavaScript, and takes five times as long as `require`.
 */
import { createRequire } from 'node:module';
import type * as Library from '@tensorflow/tfjs-core';

/** All of it. */
export const library: typeof Library = createRequire(import.meta.url)('@tensorflow/tfjs-core');

/** A class, so it is a value and a type. */
export const { KernelBackend } = library;
export type KernelBackend = Library.KernelBackend;

export const {
  add,
  argMax,
  backend,
  backend_util,
  cast,
  clone,
  concat,
  customGrad,
  dispose,
  div,
  engine,
  env,
  equal,
  erf,
  exp,
  findBackendFactory,
  getBackend,
  getKernel,
  keep,
  log,
  matMul,
  max,
  mean,
  mul,
  neg,
  notEqual,
  oneHot,
  ones,
  registerBackend,
  registerKernel,
  reshape,
  rsqrt,
  setBackend,
  slice,
  slice_util,
  softmax,
  split,
  square,
  sub,
  sum,
  tensor,
  tensor4d,
  transpose,
  util,
  valueAndGrads,
  version_core,
  zeros,
} = library;

export type {
  BackendValues,
  DataType,
  GradSaveFunc,
  NamedTensorInfoMap,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  TensorInfo,
} from '@tensorflow/tfjs-core';
