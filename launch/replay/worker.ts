/**
 * @file The process of a worker that replays: `ADDRESS MS_A_LEAF`. All of it but the engine is the product's, and with
 * `ADDRESS real THREADS` the engine too.
 */
import { TesseraError } from '../../shared/core/errors.ts';
import { letHeapsGrow } from '../../shared/machine/heap.ts';
import { createLog } from '../../shared/machine/log.ts';
import { startWorker } from '../../worker/start.ts';
import { replayEngine } from './engine.ts';
import { obeyAsker, sendReport } from './usage.ts';

const [address = '', leafMs = '0', threads = '1'] = process.argv.slice(2);
// As each process of the product.
letHeapsGrow();
const isReal = leafMs === 'real';
obeyAsker();
try {
  await startWorker({
    ...{
      address,
      name: '',
      choice: isReal ? { threads: Number(threads) } : {},
      signal: new AbortController().signal,
    },
    log: createLog({ component: 'replay', level: 'off' }),
    ...(!isReal && { startEngine: replayEngine(Number(leafMs)) }),
  });
} catch (thrown) {
  sendReport({ type: 'failed', reason: TesseraError.from(thrown).sentence });
}
