/** @file Each way in which a vector is moved between the two processes of the exchange bench: the worker's side. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bytesOf } from '../../shared/contract/chunks.ts';
import type { NodeHeader } from '../../shared/contract/messages.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import type { Exchange, ExchangeSettings } from '../../shared/exchange/exchange.ts';
import { bulkCalls } from '../../shared/exchange/grpc/bulk/client.ts';
import { GrpcExchange } from '../../shared/exchange/grpc/exchange.ts';
import { LanedExchange } from '../../shared/exchange/grpc/lanes/laned-exchange.ts';
import { naiveBulkCalls } from './naive.ts';
import { type Addresses, LIMITS, SESSION, UP, type Way, writeAll } from './serve.ts';

const NODE: NodeHeader = {
  ...{ kind: 'train', step: 0, version: 0, first: 0, count: 1 },
  ...{ lossSum: 0, correct: 0, samples: 1, badSamples: [], gradientType: 'f32' },
  timings: { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 },
};
const SETTINGS: ExchangeSettings = {
  session: SESSION,
  limits: LIMITS,
  signal: new AbortController().signal,
};

/** One vector up, and one down. */
export interface Mover {
  push(): Promise<unknown>;
  pull(): Promise<unknown>;
  close(): void;
}

/** Moves a vector to and from the addresses of a server. */
export async function moversTo(
  addresses: Addresses,
  vector: Float32Array,
): Promise<Readonly<Record<Way, Mover>>> {
  const { ways, lanes, memory } = addresses;
  const library = () =>
    new GrpcExchange(naiveBulkCalls(ways.library, { limits: LIMITS }), SETTINGS);
  const single = (address: string, settings = SETTINGS) =>
    new GrpcExchange(bulkCalls(address, { limits: LIMITS }), settings);
  const laneCalls = lanes.map((address) => bulkCalls(address, { limits: LIMITS }));
  const onLanes = new LanedExchange({ whole: single(ways.single), lanes: laneCalls }, SETTINGS);
  return {
    single: exchangeMover(single(ways.single), vector),
    bf16: exchangeMover(single(ways.bf16), vector, 'bf16'),
    lanes: exchangeMover(onLanes, vector),
    memory: exchangeMover(single(ways.memory, { ...SETTINGS, memory }), vector),
    library: exchangeMover(library(), vector),
    plain: exchangeMover(library(), vector),
    tcp: await tcpMover(ways.tcp, vector),
  };
}

function exchangeMover(exchange: Exchange, vector: Float32Array, type: ValueType = 'f32'): Mover {
  const node = { ...NODE, gradientType: type };
  return {
    push: () => exchange.pushNode(node, { gradient: vector, features: [] }),
    pull: () => exchange.pull({ version: 0, first: 0, valueType: type }, vector),
    close: () => exchange.close(),
  };
}

async function tcpMover(address: string, vector: Float32Array): Promise<Mover> {
  const [host = '', port] = address.split(':');
  const socket: Socket = connect(Number(port), host);
  await once(socket, 'connect');
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      let missing = count;
      const take = (bytes: Buffer) => {
        missing -= bytes.length;
        if (missing > 0) return;
        socket.off('data', take);
        resolve();
      };
      socket.on('data', take);
    });
  return {
    async push() {
      const replied = arrived(1);
      socket.write(Uint8Array.of(UP));
      await writeAll(socket, bytesOf(vector));
      await replied;
    },
    async pull() {
      const all = arrived(vector.byteLength);
      socket.write(Uint8Array.of(UP + 1));
      await all;
    },
    close: () => socket.destroy(),
  };
}
