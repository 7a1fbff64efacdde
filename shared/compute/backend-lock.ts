/**
 * @file A lock on TensorFlow.js's current backend: there is one for the whole thread, and switching is asynchronous.
 *
 * Several programs of one process may be at work at the same time.
 */
import * as tf from '../model/tensorflow.ts';

let last: Promise<unknown> = Promise.resolve();

/** Runs `work` after all earlier calls have finished, well or badly. */
export function lockBackend<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work);
  last = mine.catch(() => {});
  return mine;
}

/** Runs `work` on a registered backend, frees every tensor made meanwhile, and puts the backend before it back. */
export function onBackend<T>(name: string, work: () => T): Promise<T> {
  return lockBackend(async () => {
    const before = tf.engine().backendName;
    await tf.setBackend(name);
    tf.engine().startScope();
    try {
      return work();
    } finally {
      tf.engine().endScope();
      if (before && before !== name) await tf.setBackend(before);
    }
  });
}
