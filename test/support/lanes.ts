/** @file Lanes of a host in this thread, and an exchange on them in which vectors of any size travel in ranges. */
import { MessageChannel } from 'node:worker_threads';
import type { TesseraError } from '../../shared/core/errors.ts';
import type { Exchange } from '../../shared/exchange/exchange.ts';
import { bulkCalls } from '../../shared/exchange/grpc/bulk/client.ts';
import { serveLane } from '../../shared/exchange/grpc/lanes/lane.ts';
import {
  type LaneSettings,
  type LaneThreads,
  startLanes,
} from '../../shared/exchange/grpc/lanes/lane-host.ts';
import { LanedExchange } from '../../shared/exchange/grpc/lanes/laned-exchange.ts';
import { VectorMemory } from '../../shared/kernels/vectors.ts';
import { CHUNK_BYTES, type NotingHost, type Rig } from './exchange-conformance.ts';
import { grpcRig, settingsOf } from './exchange-rigs.ts';
import { LIMITS } from './loopback.ts';

/** Lanes that this thread serves, and the memory of their vectors. */
function here() {
  const vectors = new VectorMemory();
  const openLane = () => {
    const { port1, port2 } = new MessageChannel();
    serveLane(port2, vectors);
    return port1;
  };
  return { vectors, openLane, placeOf: (vector: Float32Array) => vectors.placeOf(vector) };
}

/** Starts lanes over a host, whose vectors are in the memory that they share from here on. */
export async function lanesOf(
  host: NotingHost,
  some: Partial<LaneSettings> = {},
  threads: LaneThreads & { readonly vectors: VectorMemory } = here(),
) {
  host.vectors = threads.vectors;
  const reported: TesseraError[] = [];
  const lanes = await startLanes(threads, host, {
    ...{ count: 2, listen: '127.0.0.1:0', firstPort: 0, security: undefined },
    limits: { ...LIMITS, chunkBytes: CHUNK_BYTES, rpcMs: 120_000 },
    report: (error) => void reported.push(error),
    ...some,
  });
  return { lanes, reported, addresses: lanes.ports.map((port) => `127.0.0.1:${port}`) };
}

/** Lanes beside a server. */
export async function lanedRig(threads?: Parameters<typeof lanesOf>[2]): Promise<Rig> {
  const rig = await grpcRig();
  const { lanes, addresses } = await lanesOf(rig.host, { count: 3 }, threads);
  const opened: Exchange[] = [];
  return {
    ...rig,
    open(changes) {
      const settings = settingsOf(changes);
      const ways = addresses.map((address) =>
        rig.harm(bulkCalls(address, { limits: settings.limits })),
      );
      const parts = { whole: rig.open(changes), lanes: ways, valuesMin: 1 };
      const exchange = new LanedExchange(parts, settings);
      opened.push(exchange);
      return exchange;
    },
    async close() {
      for (const exchange of opened) exchange.close();
      await lanes.stop(0);
      await rig.close();
    },
  };
}
