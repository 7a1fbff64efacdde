/**
 * @file What hostile and broken neighbours cost a healthy worker and the coordinator's memory.
 *
 * One run of the quickstart's model with one healthy worker; then, while it goes on: 1,000 connections that say nothing,
 * workers that push and never finish or read, and a coordinator that reads nothing for a while (SIGSTOP).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StepTimings } from '../coordinator/events.ts';
import { connectControl, connectExchange } from '../shared/rpc/channel.ts';
import { PROTOCOL_VERSION } from '../shared/rpc/protos.ts';
import { median } from './median.ts';

/** What was measured. Units  MiB of resident memory; ratios of median step times. */
export interface AbuseFigures {
  readonly quietStepMs: number;
  readonly abusedStepMs: number;
  /** abused / quiet: 1 is no harm. */
  readonly stepRatio: number;
  readonly coordinatorQuietMiB: number;
  readonly coordinatorPeakMiB: number;
  readonly workerQuietMiB: number;
  /** While the coordinator stood still. */
  readonly workerPeakMiB: number;
}

const IDLE_CONNECTIONS = 1000;
const ROGUES = 8;
const PHASE_MS = 20_000;
const STANDSTILL_MS = 8_000;
const PATIENCE_MS = 120_000;
const LIMITS = { messageBytes: 16 * 1024 * 1024 };

/** Trains, abuses, and compares. */
export async function benchAbuse(): Promise<AbuseFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-abuse-'));
  const runFolder = join(folder, 'run');
  const epochs = ['--set', 'training.epochs=500', '--set', 'evaluation.everyEpochs=0'];
  const coordinator = start(['coordinator', 'quickstart', ...epochs, '--run-folder', runFolder]);
  const address = await addressOf(coordinator);
  const worker = start(['worker', address, '--threads', '1', '--name', 'healthy']);
  worker.stderr?.resume();
  try {
    await stepsAfter(runFolder, 20);
    const quiet = await stepsDuring(runFolder, () => sleep(PHASE_MS));
    const before = { coordinator: residentMiB(coordinator), worker: residentMiB(worker) };
    const gone = new AbortController();
    const peak = watchPeak(coordinator, gone.signal);
    const abused = await stepsDuring(runFolder, () => abuse(address));
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
      workerQuietMiB: before.worker,
      workerPeakMiB: await workerPeak,
    };
  } finally {
    for (const child of [worker, coordinator]) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Holds connections that say nothing, and joins as workers that push for ever and never read. */
async function abuse(address: string): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  const sockets: Socket[] = Array.from({ length: IDLE_CONNECTIONS }, () =>
    connect(Number(port), host),
  );
  for (const socket of sockets) socket.on('error', () => {});
  const rogues = await Promise.all(
    Array.from({ length: ROGUES }, (_, index) => joinAsRogue(address, index)),
  );
  await sleep(PHASE_MS);
  for (const rogue of rogues) rogue.close();
  for (const socket of sockets) socket.destroy();
}

/** A worker that never says it is ready, opens every push that it may, sends half of it, and reads nothing. */
async function joinAsRogue(address: string, index: number): Promise<{ close(): void }> {
  const control = connectControl(address, { limits: LIMITS });
  const exchange = connectExchange(address, { limits: LIMITS });
  const session = control.session();
  session.on('error', () => {});
  session.write({
    join: {
      ...{ protocolVersion: PROTOCOL_VERSION, name: `rogue-${index}`, instance: `rogue-${index}` },
      ...{ engine: 'none', host: 'here', pid: 1, modelFingerprint: '' },
    },
  });
  const [{ welcome }] = await once(session, 'data');
  session.pause();
  const status = await new Promise<{ step: number }>((resolve, reject) =>
    control.getStatus({}, (error, reply) => (error || !reply ? reject(error) : resolve(reply))),
  );
  for (let push = 0; push < 8; push += 1) {
    const call = exchange.pushNode(() => {});
    call.on('error', () => {});
    const { step } = status;
    call.write({
      node: {
        ...{
          session: welcome.session,
          kind: 'WORK_KIND_TRAIN',
          step,
          version: step,
          first: 0,
          count: 1,
        },
        ...{ lossSum: 0, correct: 0, samples: 1, badSamples: [], badReasons: [], timings: {} },
      },
    });
  }
  return {
    close() {
      control.close();
      exchange.close();
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
