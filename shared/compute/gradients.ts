/**
 * @file Gradients of TensorFlow.js's kernels. Its core for Node leaves them out, and this package registers them; the
 * other that does, @tensorflow/tfjs, takes three times as long to load. By `require`, as `model/tensorflow.ts` has it.
 */
import { createRequire } from 'node:module';

createRequire(import.meta.url)('@tensorflow/tfjs-layers');
