/** @file A thread that ends the process, naming the culprit, when an input hangs: nothing else could, from within. */
import { Worker } from 'node:worker_threads';

/** Longest time without a tick. */
const SILENCE_MS = 60_000;

const WATCHING = `
const { parentPort, workerData: { shared, silenceMs } } = require('node:worker_threads');
const ticks = new Int32Array(shared);
let what;
let seen;
parentPort.on('message', (next) => { what = next; });
setInterval(() => {
  const now = Atomics.load(ticks, 0);
  if (what !== undefined && now === seen) {
    require('node:fs').writeSync(2, what + ': an input hangs\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  seen = now;
}, silenceMs);
`;

const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
const ticks = new Int32Array(shared);
const workerData = { shared, silenceMs: SILENCE_MS };
const watchdog = new Worker(WATCHING, { eval: true, workerData });
watchdog.unref();

/** Watches over inputs of `what`; each is to be announced by a tick. Of nothing: until the next call nothing is watched. */
export function watch(what: string | undefined): () => void {
  watchdog.postMessage(what);
  return () => void Atomics.add(ticks, 0, 1);
}
