/**
 * @file A thread that ends the process, naming the culprit, when an input hangs or eats the memory: nothing else
 * could, from within.
 */
import { Worker } from 'node:worker_threads';

/** Longest time without a tick. */
const SILENCE_MS = 60_000;
const LOOK_MS = 250;
/**
 * What the process may ever have, whatever it is of: heap, buffers, memory of native code. One image of 100 megapixels,
 * which is allowed, takes 0.9 GB while it is decoded.
 */
export const PEAK_BYTES_MAX = 1.5 * 1024 ** 3;

const WATCHING = `
const { parentPort, workerData } = require('node:worker_threads');
const { shared, silenceMs, lookMs, peakBytesMax } = workerData;
const ticks = new Int32Array(shared);
let what;
let seen;
let silentMs = 0;
parentPort.on('message', (next) => { what = next; });
setInterval(() => {
  if (what === undefined) return;
  const now = Atomics.load(ticks, 0);
  silentMs = now === seen ? silentMs + lookMs : 0;
  seen = now;
  const bytes = process.memoryUsage.rss();
  if (bytes > peakBytesMax) end('has ' + bytes + ' bytes');
  if (silentMs >= silenceMs) end('hangs');
}, lookMs);
function end(how) {
  require('node:fs').writeSync(2, what + ': input ' + seen + ' ' + how + '\\n');
  process.kill(process.pid, 'SIGKILL');
}
`;

const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
const ticks = new Int32Array(shared);
const workerData = {
  ...{ shared, silenceMs: SILENCE_MS, lookMs: LOOK_MS, peakBytesMax: PEAK_BYTES_MAX },
};
const watchdog = new Worker(WATCHING, { eval: true, workerData });
watchdog.unref();

/** Watches over inputs of `what`; each is to be announced by a tick. Of nothing: until the next call nothing is watched. */
export function watch(what: string | undefined): () => void {
  Atomics.store(ticks, 0, 0);
  watchdog.postMessage(what);
  return () => void Atomics.add(ticks, 0, 1);
}
