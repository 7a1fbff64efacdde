/**
 * @file A malicious worker, as far as its credentials reach: it sends heartbeats so that it stays connected, pushes half of
 * each gradient and never ends a push, pulls parameters and never reads them.
 */

import { once } from 'node:events';
import { cutChunks } from '../../shared/contract/chunks.ts';
import { PROTOCOL_VERSION } from '../../shared/contract/messages.ts';
import { connectControl, connectExchange } from '../../shared/exchange/grpc/channel.ts';

/** What became of a rogue's calls. */
export interface Rogue {
  /** Pushes and pulls that were begun. */
  readonly tried: number;
  close(): void;
}

const LIMITS = { messageBytes: 16 * 1024 * 1024 };
const CHUNK_BYTES = 2 ** 20;
/** Between two waves of calls; also a heartbeat. */
const WAVE_MS = 1000;
const CALLS_A_WAVE = 4;

/** Joins as a worker that never says it is ready. */
export async function joinAsRogue(address: string, index: number): Promise<Rogue> {
  const control = connectControl(address, { limits: LIMITS });
  const exchange = connectExchange(address, { limits: LIMITS });
  const stream = control.session();
  stream.on('error', () => {});
  stream.write({
    join: {
      ...{ protocolVersion: PROTOCOL_VERSION, name: `rogue-${index}`, instance: `rogue-${index}` },
      ...{ engine: 'none', host: 'here', pid: 1, modelFingerprint: '' },
    },
  });
  const [{ welcome }] = await once(stream, 'data');
  const { session } = welcome;
  stream.pause();
  let tried = 0;
  let isClosed = false;
  const watch = (call: NodeJS.EventEmitter) => {
    tried += 1;
    call.on('error', () => {});
  };
  const ask = (act: (step: number) => void) =>
    control.getStatus({}, (error, reply) => {
      if (reply !== undefined && error === null && !isClosed) act(reply.step);
    });

  const pull = (version: number) => {
    const call = exchange.pullParameters({ session, version, first: 0, average: false });
    watch(call);
    call.pause();
  };
  const push = (step: number, gradient: Uint8Array) => {
    const call = exchange.pushNode(() => {});
    watch(call);
    const place = { kind: 'WORK_KIND_TRAIN' as const, step, version: step, first: 0, count: 1 };
    const totals = { lossSum: 0, correct: 0, samples: 1, badSamples: [], badReasons: [] };
    const [half] = cutChunks(gradient, Math.min(CHUNK_BYTES, gradient.byteLength / 2));
    call.write({ node: { session, ...place, ...totals, timings: {} } });
    if (half !== undefined) call.write({ chunk: half });
  };
  const gradient = new Uint8Array(await gradientBytes());
  const waves = setInterval(() => {
    stream.write({ heartbeat: { assignment: 0, leavesOpen: 0 } });
    ask((step) => {
      for (let call = 0; call < CALLS_A_WAVE; call += 1) push(step, gradient);
      pull(step);
    });
  }, WAVE_MS);

  async function gradientBytes(): Promise<number> {
    for (;;) {
      const step = await new Promise<number>(ask);
      const call = exchange.pullParameters({ session, version: step, first: 0, average: false });
      const first = once(call, 'data').catch(() => undefined);
      const [chunk] = (await first) ?? [];
      call.on('error', () => {}).cancel();
      if (chunk !== undefined) return Number(chunk.totalBytes);
    }
  }
  return {
    get tried() {
      return tried;
    },
    close() {
      isClosed = true;
      clearInterval(waves);
      control.close();
      exchange.close();
    },
  };
}
