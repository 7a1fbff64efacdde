/**
 * @file What the exchange moves: vectors of ViT-B/16 up and down, beside gRPC's own library and bare TCP between the same
 * two processes, by turns; on loopback, and over links with a round trip.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { TesseraError } from '../shared/core/errors.ts';
import { letHeapsGrow } from '../shared/machine/heap.ts';
import { moversTo } from './exchange/movers.ts';
import { type Addresses, NUM_PARAMETERS, type Way } from './exchange/serve.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';

/** One way of moving vectors, up / down. Ratios: median, least and largest of the rounds. */
interface WayFigures {
  /** Units  megabytes (10^6) of float32 per second, median over the rounds. */
  readonly MBps: string;
  readonly overTcp: string;
  /** Over gRPC's library in processes whose heaps may grow, as ours may, and in those of a plain program. */
  readonly overLibrary: string;
  readonly overPlain: string;
  /** Over ours on one connection. */
  readonly overSingle: string;
  /** Longest delay of the main thread at the worker's and the coordinator's end: median of the rounds, and their largest. */
  readonly delaysMs: string;
}

/** The ways on each link, by their names. */
export type ExchangeFigures = Readonly<Record<string, WayFigures>>;

const ROUNDS = 7;
/** Units  milliseconds; 0 is loopback without a relay. */
const ROUND_TRIPS = [0, 1, 10];
/** Memory is shared by processes of one machine: there is no link between them. */
const WAYS: readonly Way[] = ['tcp', 'single', 'lanes', 'bf16', 'library', 'plain', 'memory'];
const OURS: readonly Way[] = ['single', 'lanes', 'bf16', 'memory'];
const BYTES = NUM_PARAMETERS * Float32Array.BYTES_PER_ELEMENT;
const FILE = fileURLToPath(new URL('./exchange/serve.js', import.meta.url));

/** Measures pushing and pulling one float32 vector of ViT-B/16 between two processes. */
export async function benchExchange(): Promise<ExchangeFigures> {
  const server = fork(FILE, ['serve-exchange-bench']);
  const addresses = (await messageOf(server)) as Addresses;
  const figures: Record<string, WayFigures> = {};
  try {
    for (const roundTripMs of ROUND_TRIPS) {
      if (roundTripMs === 0) {
        Object.assign(figures, await measureLink('loopback', addresses, server));
        continue;
      }
      const args = ['relay-exchange-bench', JSON.stringify(addresses), String(roundTripMs)];
      const relay = fork(FILE, args);
      const relayed = (await messageOf(relay)) as Addresses;
      Object.assign(figures, await measureLink(`${roundTripMs} ms`, relayed, server));
      relay.kill();
    }
  } finally {
    server.kill();
  }
  return figures;
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const failed = once(child, 'exit').then(() => {
    throw new TesseraError('INTERNAL', 'a process of the exchange bench did not start');
  });
  failed.catch(() => {});
  const [message] = await Promise.race([once(child, 'message'), failed]);
  return message;
}

/** Each way's times in the rounds after the first, which warms up. */
interface Seen {
  readonly push: number[];
  readonly pull: number[];
  /** Longest delays, at the worker's end and at the coordinator's. */
  readonly here: number[];
  readonly there: number[];
}

async function measureLink(
  link: string,
  addresses: Addresses,
  server: ChildProcess,
): Promise<ExchangeFigures> {
  const movers = await moversTo(addresses, new Float32Array(NUM_PARAMETERS).fill(0.5));
  const ways = WAYS.filter((way) => way !== 'memory' || addresses.memory !== undefined);
  const seen = new Map<Way, Seen>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const direction of ['push', 'pull'] as const) {
      for (const way of ways) {
        const watch = await startWatch(way, server);
        const rate = await rateOf(() => movers[way][direction]());
        const { here, there } = await watch();
        if (round === 0) continue;
        const of = seen.get(way) ?? { push: [], pull: [], here: [], there: [] };
        seen.set(way, of);
        of[direction].push(rate);
        of.here.push(here);
        of.there.push(there);
      }
    }
  }
  for (const mover of Object.values(movers)) mover.close();
  const rows = OURS.filter((way) => seen.has(way)).map((way) => [
    `${link}, ${way}`,
    figuresOf(seen, way),
  ]);
  return Object.fromEntries(rows);
}

function figuresOf(seen: ReadonlyMap<Way, Seen>, way: Way): WayFigures {
  const ours = seen.get(way) as Seen;
  const both = (show: (direction: 'push' | 'pull') => string) =>
    `${show('push')} / ${show('pull')}`;
  const over = (other: Way) =>
    both((direction) => {
      const ratios = ratiosOf(ours[direction], seen.get(other)?.[direction] ?? []);
      return `${median(ratios).toFixed(2)} (${rangeOf(ratios)})`;
    });
  const delay = (values: readonly number[]) =>
    `${median(values).toFixed(1)}, ${Math.max(...values).toFixed(1)}`;
  return {
    MBps: both((direction) => median(ours[direction]).toFixed(0)),
    overTcp: over('tcp'),
    overLibrary: over('library'),
    overPlain: over('plain'),
    overSingle: over('single'),
    delaysMs: `${delay(ours.here)} / ${delay(ours.there)}`,
  };
}

/** Begins to watch both ends, their heaps as the way has them; returns what ends it. Units  milliseconds. */
async function startWatch(way: Way, server: ChildProcess) {
  const isPlain = way === 'plain';
  const ask = async (text: string) => {
    server.send(text);
    const [reply] = await once(server, 'message');
    return Number(reply);
  };
  letHeapsGrow(isPlain ? 0 : undefined);
  await ask(isPlain ? 'plain' : 'grow');
  const late = monitorEventLoopDelay({ resolution: 1 });
  late.enable();
  return async () => {
    const here = late.max / 1e6;
    late.disable();
    return { here, there: await ask('delay') };
  };
}

async function rateOf(move: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await move();
  return BYTES / 1e3 / (performance.now() - startedMs);
}
