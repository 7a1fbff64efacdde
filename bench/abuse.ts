/**
 * @file What hostile and broken neighbours cost a healthy worker and the coordinator's memory.
 *
 * One run of the quickstart's model with one healthy worker; then, during it: 1,000 connections that send nothing
 * and come again when they are closed, workers that push and never finish or read, and a coordinator that reads nothing for a while (SIGSTOP).
 *
 * By turns the same neighbours abuse another coordinator of this machine, so that what they take of its few cores is in
 * both times, and the difference is what sharing a coordinator with them costs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinAsRogue } from './exchange/rogue.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';
import { readSteps } from './figures/steps.ts';

/** What was measured. Units  MiB of resident memory; medians over the rounds. */
export interface AbuseFigures {
  readonly quietStepMs: number;
  /** While another coordinator is abused. */
  readonly besideStepMs: number;
  readonly abusedStepMs: number;
  /** abused / beside, of each round: 1 means no harm. */
  readonly stepRatio: number;
  /** Least and largest of the rounds; and of quiet against the quiet before it, which is the machine's own doing. */
  readonly stepRatios: string;
  readonly quietRatios: string;
  /** Cores that the neighbours themselves took of this machine. */
  readonly neighbourCores: number;
  readonly coordinatorQuietMiB: number;
  readonly coordinatorPeakMiB: number;
  /** Calls of the rogues, in all rounds. */
  readonly rogueCalls: number;
  /** Rogues that the coordinator's messages name. */
  readonly roguesNamed: number;
  readonly workerQuietMiB: number;
  /** While the coordinator was idle. */
  readonly workerPeakMiB: number;
}

const IDLE_CONNECTIONS = 1000;
/** Before a connection that was closed is tried again. */
const AGAIN_MS = 1000;
const ROGUES = 8;
/** By turns: a virtual machine is a fifth faster or slower from one minute to the next. */
const ROUNDS = 7;
const PHASE_MS = 6_000;
const STANDSTILL_MS = 8_000;
const PATIENCE_MS = 120_000;

/** Trains, abuses, and compares. */
export async function benchAbuse(): Promise<AbuseFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-abuse-'));
  const runFolder = join(folder, 'run');
  const epochs = ['--set', 'training.epochs=500', '--set', 'evaluation.everyEpochs=0'];
  const coordinator = start(['coordinator', 'quickstart', ...epochs, '--run-folder', runFolder]);
  const output: string[] = [];
  coordinator.stderr?.on('data', (data) => output.push(String(data)));
  const address = await addressOf(coordinator);
  const worker = start(['worker', address, '--threads', '1', '--name', 'healthy']);
  worker.stderr?.resume();
  const other = await startDecoy(join(folder, 'decoy'));
  try {
    await stepsAfter(runFolder, 20);
    const working = workingProcess(worker);
    const before = { coordinator: residentMiB(coordinator), worker: residentMiB(working) };
    const gone = new AbortController();
    const peak = watchPeak(coordinator, gone.signal);
    const rounds = await byTurns(runFolder, address, other.address);
    gone.abort();
    const workerPeak = watchPeak(working, AbortSignal.timeout(STANDSTILL_MS));
    coordinator.kill('SIGSTOP');
    await sleep(STANDSTILL_MS);
    coordinator.kill('SIGCONT');
    return {
      ...rounds,
      coordinatorQuietMiB: before.coordinator,
      coordinatorPeakMiB: await peak,
      roguesNamed: new Set(output.join('').match(/\brogue-\d+\b(?=.* pushes under way)/g)).size,
      workerQuietMiB: before.worker,
      workerPeakMiB: await workerPeak,
    };
  } finally {
    for (const child of [worker, coordinator, ...other.processes]) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** A coordinator whose one worker is stopped, so that its step stays open: it takes what a working one takes. */
async function startDecoy(runFolder: string) {
  const patient = ['--set', 'cluster.silenceMs=3600000', '--set', 'cluster.leaseMs=3600000'];
  const coordinator = start(['coordinator', 'quickstart', ...patient, '--run-folder', runFolder]);
  const address = await addressOf(coordinator);
  const worker = start(['worker', address, '--threads', '1']);
  worker.stderr?.resume();
  await stepsAfter(runFolder, 1);
  const working = workingProcess(worker);
  working.kill('SIGSTOP');
  return { address, processes: [coordinator, worker, working] };
}

/** Quiet, beside and abused by turns, on the one run. */
async function byTurns(runFolder: string, address: string, otherAddress: string) {
  const quiet: number[] = [];
  const beside: number[] = [];
  const abused: number[] = [];
  let rogueCalls = 0;
  const cores: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    quiet.push(await stepsDuring(runFolder, () => sleep(PHASE_MS)));
    beside.push(
      await stepsDuring(runFolder, async () => {
        await abuse(otherAddress);
      }),
    );
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    abused.push(
      await stepsDuring(runFolder, async () => {
        rogueCalls += await abuse(address);
      }),
    );
    const { user, system } = process.cpuUsage(cpu);
    cores.push((user + system) / 1000 / (performance.now() - startedMs));
  }
  const ratios = ratiosOf(abused, beside);
  return {
    quietStepMs: median(quiet),
    besideStepMs: median(beside),
    abusedStepMs: median(abused),
    stepRatio: median(ratios),
    stepRatios: rangeOf(ratios),
    quietRatios: rangeOf(ratiosOf(quiet.slice(1), quiet)),
    neighbourCores: median(cores),
    rogueCalls,
  };
}

/** Holds silent connections, and joins as workers that push forever and never read; returns the number of their calls. */
async function abuse(address: string): Promise<number> {
  const idle = Array.from({ length: IDLE_CONNECTIONS }, () => idleConnection(address));
  const rogues = await Promise.all(
    Array.from({ length: ROGUES }, (_, index) => joinAsRogue(address, index)),
  );
  await sleep(PHASE_MS);
  for (const one of [...rogues, ...idle]) one.close();
  return rogues.reduce((sum, { tried }) => sum + tried, 0);
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

/** A process that can be looked at and ended. */
interface Running {
  readonly pid?: number | undefined;
  kill(signal: NodeJS.Signals): unknown;
}

/** The process that works: a worker's command only keeps it. */
function workingProcess({ pid }: ChildProcess): Running {
  const working = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
  return { pid: working, kill: (signal) => process.kill(working, signal) };
}

function addressOf(coordinator: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    coordinator.stderr?.on('data', (data) => {
      output += String(data);
      const address = /127\.0\.0\.1:[1-9]\d*/.exec(output)?.[0];
      if (address !== undefined) resolve(address);
    });
    coordinator.once('exit', () => reject(new Error(`the coordinator ended: ${output}`)));
  });
}

/** Median wall time of the steps during some work. */
async function stepsDuring(runFolder: string, work: () => Promise<void>): Promise<number> {
  const first = (await readSteps(runFolder)).length;
  await work();
  const fresh = (await readSteps(runFolder)).slice(first + 1);
  const times = fresh.map(({ wallMs }) => wallMs);
  return median(times);
}

async function stepsAfter(runFolder: string, count: number): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  while ((await readSteps(runFolder)).length < count)
    await sleep(100, undefined, { signal: patience });
}

/** The largest resident memory of a process until a signal. */
async function watchPeak(child: Running, until: AbortSignal): Promise<number> {
  let peak = 0;
  while (!until.aborted) {
    peak = Math.max(peak, residentMiB(child));
    await sleep(50);
  }
  return peak;
}

function residentMiB({ pid }: Running): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
