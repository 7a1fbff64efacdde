/**
 * @file When a process of ours collects garbage: less often than V8 would by itself.
 *
 * What a step allocates lies outside of V8's heap: chunks on the wire, gradients, images. V8 counts it towards the heap's
 * limit, which is small where little else is alive, so some megabytes made it mark all that lives, in four threads,
 * every other step: a third of the processor time of a run of small steps (2 workers, 0.2 M parameters, 2 cores).
 */
import { setFlagsFromString } from 'node:v8';

/** The heap may grow to three times what was alive, beside its room for new objects, before everything is marked. */
const GROWING_PERCENT = 200;

/** Lets the heaps of this process, those of its threads included, grow further between two collections; 0: as V8 does. */
export function letHeapsGrow(percent = GROWING_PERCENT): void {
  // V8 reads it each time that it sets the limit, so it holds from the next collection on.
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
