/**
 * @file Turns at TensorFlow.js: it has one current backend for the whole thread, and switching is asynchronous.
 *
 * Two programs of one process may be at work at the same time; whoever needs a certain backend takes a turn.
 */

let last: Promise<unknown> = Promise.resolve();

/** Runs `work` after everybody who asked before has finished, well or badly. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work);
  last = mine.catch(() => {});
  return mine;
}
