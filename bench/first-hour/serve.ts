/**
 * @file `tessera serve` under load: clients that wait for their replies, alone and among slow clients, broken images, images
 * of the largest size and bodies that are too large.
 *
 * BENCH_MODEL names the model with its flags, such as `weights.safetensors --heads 3`; without it a small one is trained.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodePng } from '../../shared/data/pixels/libvips.ts';

/** What was measured. Units  milliseconds of a request, from its start to its whole reply; MiB of resident memory. */
export interface ServeFigures {
  readonly model: string;
  readonly quiet: LoadFigures;
  /** While others abuse the server. */
  readonly abused: LoadFigures;
  /** Replies to the abusers, by status; 0 is a connection that was closed. */
  readonly abuserReplies: Readonly<Record<string, number>>;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

interface LoadFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly perSecond: number;
  /** Requests that were refused (503), and asked again after a pause. */
  readonly refused: number;
}

const CLIENTS = 8;
const PHASE_MS = 15_000;
const SLOW_CLIENTS = 64;
const SLOW_BYTE_MS = 300;
const AGAIN_MS = 100;

/** Serves, loads, abuses. */
export async function benchServe(): Promise<ServeFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-serve-'));
  const flags = process.env['BENCH_MODEL']?.split(' ') ?? (await smallModel(folder));
  const server = start(['serve', ...flags, '--port', '0']);
  try {
    const url = await firstLineOf(server);
    const photos = await Promise.all([1, 2, 3, 4].map((seed) => noisePng(512, 384, seed)));
    await load(url, photos, 1_000);
    const residentMiB = memoryOf(server, 'VmRSS');
    const quiet = await load(url, photos, PHASE_MS);
    const abuserReplies: Record<string, number> = {};
    const ending = new AbortController();
    const abusers = await startAbuse(url, abuserReplies, ending.signal);
    const abused = await load(url, photos, PHASE_MS);
    ending.abort();
    await abusers.ended;
    const peakMiB = memoryOf(server, 'VmHWM');
    return { model: flags.join(' '), quiet, abused, abuserReplies, residentMiB, peakMiB };
  } finally {
    server.kill('SIGTERM');
    await rm(folder, { recursive: true });
  }
}

function start(args: readonly string[]): ChildProcess {
  const main = new URL('../../cli/main.js', import.meta.url).pathname;
  return spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function smallModel(folder: string): Promise<string[]> {
  const run = join(folder, 'run');
  const training = start([
    'train',
    'quickstart',
    '--set',
    'training.epochs=1',
    '--run-folder',
    run,
  ]);
  training.stdout?.resume();
  await new Promise((ended) => training.once('close', ended));
  return [run];
}

async function firstLineOf(server: ChildProcess): Promise<string> {
  return await new Promise((found, fail) => {
    server.stdout?.once('data', (data) => found(String(data).trim()));
    server.once('close', () => fail(new Error('the server has ended')));
  });
}

/** Kilobytes of a line of /proc/PID/status, in MiB. */
function memoryOf({ pid }: ChildProcess, field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1]) / 1024;
}

function noisePng(width: number, height: number, seed: number): Promise<Uint8Array> {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => Math.imul(Math.floor(at / 24) + seed, 0x9e37_79b1) >>> 24,
  );
  return encodePng(pixels, { width, height, channels: 3 });
}

/** Clients that each ask again as soon as they have a reply. */
async function load(url: string, photos: readonly Uint8Array[], forMs: number) {
  const times: number[] = [];
  let refused = 0;
  const endMs = performance.now() + forMs;
  const client = async (_: unknown, at: number) => {
    for (let turn = at; performance.now() < endMs; turn += 1) {
      const startedMs = performance.now();
      const body = photos[turn % photos.length] as Uint8Array;
      const reply = await fetch(`${url}/predict`, { method: 'POST', body: new Uint8Array(body) });
      await reply.arrayBuffer();
      if (reply.status === 200) times.push(performance.now() - startedMs);
      else {
        refused += 1;
        await sleep(AGAIN_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), perSecond: (1000 * times.length) / forMs, refused };
}

/** Clients that send a byte now and then, broken and huge images, and too much; resolves to their end. */
async function startAbuse(
  url: string,
  replies: Record<string, number>,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<unknown> }> {
  // 99 megapixels in a small file.
  const huge = await encodePng(new Uint8Array(9_950 ** 2), {
    width: 9_950,
    height: 9_950,
    channels: 1,
  });
  const cut = (await noisePng(512, 384, 9)).slice(0, 40_000);
  const count = (status: number) => {
    replies[status] = (replies[status] ?? 0) + 1;
  };
  const poster = async (body: Uint8Array) => {
    while (!signal.aborted) {
      const reply = await fetch(`${url}/predict`, {
        method: 'POST',
        body: new Uint8Array(body),
      }).catch(() => undefined);
      await reply?.arrayBuffer();
      count(reply?.status ?? 0);
      if (reply?.status !== 422) await sleep(AGAIN_MS);
    }
  };
  const bodies = [huge, cut, cut, new Uint8Array(31 * 1024 ** 2), new Uint8Array(33 * 1024 ** 2)];
  const slow = Array.from({ length: SLOW_CLIENTS }, () => slowClient(url, signal));
  return { ended: Promise.all([...bodies.map(poster), ...slow]) };
}

/** A client whose request never ends; it comes again when it is cut off. */
async function slowClient(url: string, signal: AbortSignal): Promise<void> {
  const { port } = new URL(url);
  const head = 'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n';
  while (!signal.aborted) {
    const socket: Socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {}).resume();
    for (let at = 0; !signal.aborted && !socket.destroyed; at += 1) {
      socket.write(head[at] ?? 'x');
      await sleep(SLOW_BYTE_MS);
    }
    socket.destroy();
  }
}
