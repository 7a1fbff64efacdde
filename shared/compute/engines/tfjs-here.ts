/**
 * @file TensorFlow.js for a program's own use: this package's instance, with gradients, on its pure JavaScript backend.
 *
 * A program that has set another backend before keeps it.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '../gradients.ts';
import { RECORDING } from '../graph/backend.ts';

// Keeps TensorFlow.js from advertising tfjs-node on standard output.
tf.env().set('PROD', true);
// The backend is there at once: only those of the web are awaited.
if ([undefined, RECORDING].includes(tf.getBackend())) void tf.setBackend('cpu');

export { tf };
