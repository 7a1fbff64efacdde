/**
 * @file Gradients of TensorFlow.js's kernels. Its core for Node leaves them out, and this package registers them; the
 * other that does, @tensorflow/tfjs, takes three times as long to load.
 */
import '@tensorflow/tfjs-layers';
