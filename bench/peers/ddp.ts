/**
 * @file Whole steps of ViT-Ti/16, batch 64, two processes of one thread each: `tessera train` beside PyTorch's
 * DistributedDataParallel over gloo, in float32 and in bfloat16.
 *
 * Ours reads and enlarges digits; the other side has its batch in memory.
 */
import { fileURLToPath } from 'node:url';
import { parseVariant } from '../../shared/model/variants.ts';
import { trainSteps } from '../cluster.ts';
import { meansOf } from '../figures/steps.ts';
import { LineProcess } from '../gpu/lines.ts';
import { compareSides } from './torch.ts';

const PEER = fileURLToPath(new URL('../../../bench/peers/ddp.py', import.meta.url));
const BATCH = 64;
const ROUNDS = 3;
const SECONDS_EACH = 25;
const DEADLINE_MS = 1_500_000;
const PRECISIONS = { ddp: 'f32', ddpBf16: 'bf16' } as const;

/** Measures by turns; what is idle waits for a line. */
export async function benchDdp(python: string): Promise<object> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const model = { ...parseVariant('Ti/16'), imageSize: 224, channels: 3, numClasses: 10 };
  const size = { batch: BATCH, processes: 2, threads: 1 };
  const peers = Object.entries(PRECISIONS).map(([name, precision]) => {
    const command = [python, PEER, JSON.stringify({ ...model, ...size, precision })];
    return { name, process: new LineProcess(command, signal), speeds: [] as number[] };
  });
  const ours: number[] = [];
  const shares: number[] = [];
  try {
    for (const { process } of peers) await process.next();
    for (let round = 0; round < ROUNDS; round += 1) {
      const { wallMs, coordinatorBusyMs } = meansOf(
        await trainSteps(['--set', 'compute.threads=1']),
      );
      ours.push((1000 * BATCH) / wallMs);
      shares.push((100 * coordinatorBusyMs) / wallMs);
      for (const { process, speeds } of peers) {
        speeds.push(Number((await process.ask(`measure ${SECONDS_EACH}`))['imagesPerSecond']));
      }
    }
  } finally {
    for (const { process } of peers) process.end();
  }
  const others = Object.fromEntries(peers.map(({ name, speeds }) => [name, speeds]));
  const coordinatorBusy = shares.map((share) => `${share.toFixed(1)} %`).join(', ');
  return { ...compareSides({ ours, ...others }), coordinatorBusy };
}
