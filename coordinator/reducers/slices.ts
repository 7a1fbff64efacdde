/** @file A long job a slice at a time, with a turn of the event loop between two of them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Job, type JobResult, NOTHING_FOUND, work } from './jobs.ts';

/** Elements between two turns of the event loop: some milliseconds, so that the thread serves what else it has to. */
const SLICE_ELEMENTS = 2 ** 20;

/** Does a job over [from, to). */
export async function workInSlices(job: Job, from: number, to: number): Promise<JobResult> {
  let found = NOTHING_FOUND;
  for (let first = from; first < to; first += SLICE_ELEMENTS) {
    if (first > from) await nextTurn();
    found = work(job, first, Math.min(first + SLICE_ELEMENTS, to), found);
  }
  return found;
}
