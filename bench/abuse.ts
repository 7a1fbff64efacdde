/**
 * @file What hostile and broken neighbours cost a healthy worker and the coordinator's memory.
 *
 * One run of the quickstart's model with one healthy worker; then, while it goes on: 1,000 connections that say nothing
 * and come again when they are closed, workers that push and never finish or read, and a coordinator that reads nothing for a while (SIGSTOP).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepTimings } from '../coordinator/events.ts';
import { median } from './median.ts';
import { joinAsRogue } from './rogue.ts';

/** What was measured. Units  MiB of resident memory; ratios of median step times. */
export interface AbuseFigures {
  readonly quietStepMs: number;
  readonly abusedStepMs: number;
  /** abused / quiet: 1 is no harm. */
  readonly stepRatio: number;
  readonly coordinatorQuietMiB: number;
  readonly coordinatorPeakMiB: number;
  /** Calls of the rogues, and how many of them they held open at the end: no more than the limits allow. */
  readonly rogueCalls: number;
  readonly rogueCallsHeld: number;
  /** Rogues that the coordinator's messages name. */
  readonly roguesNamed: number;
  readonly workerQuietMiB: number;
  /** While the coordinator stood still. */
  readonly workerPeakMiB: number;
}

const IDLE_CONNECTIONS = 1000;
/** Before a connection that was closed is tried again. */
const AGAIN_MS = 1000;
const ROGUES = 8;
const PHASE_MS = 20_000;
const STANDSTILL_MS = 8_000;
const PATIENCE_MS = 120_000;

/** Trains, abuses, and compares. */
export async function benchAbuse(): Promise<AbuseFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-abuse-'));
  const runFolder = join(folder, 'run');
  const epochs = ['--set', 'training.epochs=500', '--set', 'evaluation.everyEpochs=0'];
  const coordinator = start(['coordinator', 'quickstart', ...epochs, '--run-folder', runFolder]);
  const talk: string[] = [];
  coordinator.stderr?.on('data', (data) => talk.push(String(data)));
  const address = await addressOf(coordinator);
  const worker = start(['worker', address, '--threads', '1', '--name', 'healthy']);
  worker.stderr?.resume();
  try {
    await stepsAfter(runFolder, 20);
    const quiet = await stepsDuring(runFolder, () => sleep(PHASE_MS));
    const before = { coordinator: residentMiB(coordinator), worker: residentMiB(worker) };
    const gone = new AbortController();
    const peak = watchPeak(coordinator, gone.signal);
    const calls = { tried: 0, open: 0 };
    const abused = await stepsDuring(runFolder, () => abuse(address, calls));
    gone.abort();
    const workerPeak = watchPeak(worker, AbortSignal.timeout(STANDSTILL_MS));
    coordinator.kill('SIGSTOP');
    await sleep(STANDSTILL_MS);
    coordinator.kill('SIGCONT');
    return {
      quietStepMs: quiet,
      abusedStepMs: abused,
      stepRatio: abused / quiet,
      coordinatorQuietMiB: before.coordinator,
      coordinatorPeakMiB: await peak,
      rogueCalls: calls.tried,
      rogueCallsHeld: calls.open,
      roguesNamed: new Set(talk.join('').match(/\brogue-\d+\b(?=.* pushes under way)/g)).size,
      workerQuietMiB: before.worker,
      workerPeakMiB: await workerPeak,
    };
  } finally {
    for (const child of [worker, coordinator]) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Holds connections that say nothing, and joins as workers that push for ever and never read. */
async function abuse(address: string, calls: { tried: number; open: number }): Promise<void> {
  const idle = Array.from({ length: IDLE_CONNECTIONS }, () => idleConnection(address));
  const rogues = await Promise.all(
    Array.from({ length: ROGUES }, (_, index) => joinAsRogue(address, index)),
  );
  await sleep(PHASE_MS);
  for (const rogue of rogues) {
    calls.tried += rogue.tried;
    calls.open += rogue.open;
    rogue.close();
  }
  for (const connection of idle) connection.close();
}

/** A connection that says nothing, and is there again whenever it is closed. */
function idleConnection(address: string): { close(): void } {
  const [host = '', port = ''] = address.split(':');
  let isWanted = true;
  let socket: Socket;
  const open = () => {
    socket = connect(Number(port), host).on('error', () => {});
    socket.once('close', () => isWanted && setTimeout(open, AGAIN_MS));
  };
  open();
  return {
    close() {
      isWanted = false;
      socket.destroy();
    },
  };
}

function start(args: readonly string[]): ChildProcess {
  const main = new URL('../cli/main.js', import.meta.url);
  return spawn(process.execPath, [main.pathname, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function addressOf(coordinator: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let talk = '';
    coordinator.stderr?.on('data', (data) => {
      talk += String(data);
      const address = /127\.0\.0\.1:[1-9]\d*/.exec(talk)?.[0];
      if (address !== undefined) resolve(address);
    });
    coordinator.once('exit', () => reject(new Error(`the coordinator ended: ${talk}`)));
  });
}

/** Median wall time of the steps during some work. */
async function stepsDuring(runFolder: string, work: () => Promise<void>): Promise<number> {
  const first = (await readSteps(runFolder)).length;
  await work();
  const times = (await readSteps(runFolder)).slice(first + 1).map(({ wallMs }) => wallMs);
  return median(times);
}

async function stepsAfter(runFolder: string, count: number): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  while ((await readSteps(runFolder)).length < count)
    await sleep(100, undefined, { signal: patience });
}

async function readSteps(runFolder: string): Promise<StepTimings[]> {
  const text = await readFile(join(runFolder, 'metrics.jsonl'), 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return whole
    .filter((line) => line.includes('"type":"step"'))
    .map((line) => (JSON.parse(line) as { timings: StepTimings }).timings);
}

/** The largest resident memory of a process until a signal. */
async function watchPeak(child: ChildProcess, until: AbortSignal): Promise<number> {
  let peak = 0;
  while (!until.aborted) {
    peak = Math.max(peak, residentMiB(child));
    await sleep(50);
  }
  return peak;
}

function residentMiB({ pid }: ChildProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
