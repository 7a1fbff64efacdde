/** @file The launcher of this machine: worker processes, with a log file each or one reader of all that they print. */
import { join } from 'node:path';
import { reasonOf } from '../shared/core/errno.ts';
import { cgroupTexts } from '../shared/machine/devices.ts';
import { type MemoryKills, memoryKills } from '../shared/machine/memory-kills.ts';
import { isStopped } from '../shared/machine/processes.ts';
import { earlierEnd } from '../worker/parent/earlier-end.ts';
import type { Launcher, LaunchNotice, WorkerLife, WorkerSlot } from './launcher.ts';
import {
  causeOfDeath,
  deathText,
  NEVER_STARTED,
  type WorkerDeath,
  wasKilledForMemory,
} from './worker-exit.ts';
import { logFile, printedOutput } from './worker-output.ts';
import { type ProcessEnd, startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** What local workers are started with. */
export interface LocalLauncherOptions {
  /** Program and arguments of a worker, without its name. */
  readonly command: readonly string[];
  /** What each worker reads on stdin. */
  readonly firstWords?: string;
  /** Where what a worker prints goes: into a file of its name in a folder, or to a reader. */
  readonly output: { readonly logsFolder: string } | ((chunk: Buffer) => void);
  /** Environment of worker `index` (from 0) beside that of this process. */
  readonly environment?: (index: number) => Readonly<Record<string, string>>;
  /** Arguments of worker `index` beside those of all. */
  readonly flagsOf?: (index: number) => readonly string[];
}

/** A process of this machine. */
export interface LocalLife extends WorkerLife {
  /** Asks the worker to deliver what it has computed, and to end then. */
  leave(): void;
}

/** Starts workers as child processes, which end with this process. */
export class LocalLauncher implements Launcher {
  readonly #options: LocalLauncherOptions;
  readonly #alive = new Map<string, WorkerProcess>();
  /** How the process before ended, by worker. */
  readonly #deaths = new Map<string, string>();
  /** Workers that are known to be stopped. */
  readonly #stopped = new Set<string>();
  /** The kernel's count up to which kills have been put down to deaths of ours. */
  #killsClaimed = 0;
  readonly #unsaid: string[] = [];
  #hasNoLog = false;

  constructor(options: LocalLauncherOptions) {
    this.#options = options;
  }

  start({ index, name }: WorkerSlot): LocalLife {
    const { command, firstWords = '', environment, flagsOf, output: place } = this.#options;
    const isRead = typeof place === 'function';
    const logPath = isRead ? '' : join(place.logsFolder, `${name}.log`);
    const output = isRead ? printedOutput(place) : logFile(logPath);
    const before = memoryKills(cgroupTexts());
    const process = startWorkerProcess({
      ...{ name, output, firstWords },
      command: [...command, ...(flagsOf?.(index) ?? [])],
      environment: { ...environment?.(index), ...earlierEnd(this.#deaths.get(name)) },
    });
    const { child, exited, end } = process;
    this.#alive.set(name, process);
    if (output.error !== undefined && !this.#hasNoLog) {
      this.#hasNoLog = true;
      this.#unsaid.push(`workers have no log: cannot write ${logPath}: ${reasonOf(output.error)}`);
    }
    const ended = end.then((known): WorkerDeath => {
      this.#alive.delete(name);
      const cause = causeOfDeath({ ...known, kills: this.#killsSince(before, known.signal) });
      const path = output.error === undefined ? logPath : '';
      const { code, signal } = known;
      const death = { name, pid: child.pid, how: howItEnded(known), code, signal, cause };
      if (code !== 0)
        this.#deaths.set(name, deathText({ ...death, name: 'the process before', logPath: path }));
      return { ...death, logPath: path };
    });
    return {
      pid: child.pid,
      exited,
      ended,
      leave: () => child.stdin?.write('leave\n'),
      end: () => child.stdin?.end(),
      kill: () => child.kill('SIGKILL'),
    };
  }

  /** A stopped worker is silent and not dead: only a user can continue it. */
  look(): readonly LaunchNotice[] {
    const texts = this.#unsaid.splice(0);
    for (const [name, { child }] of this.#alive) {
      const { pid } = child;
      if (pid === undefined || !isStopped(pid)) this.#stopped.delete(name);
      else if (!this.#stopped.has(name)) {
        this.#stopped.add(name);
        texts.push(`worker/${name} is stopped; continue it with: kill -CONT ${pid}`);
      }
    }
    return texts.map((text) => ({ level: 'warn', text }));
  }

  /** The kernel's counters at a start and now; each kill that they count is put down to one death. */
  #killsSince(
    before: MemoryKills | undefined,
    signal: string | null,
  ): readonly [MemoryKills | undefined, MemoryKills | undefined] {
    const after = memoryKills(cgroupTexts());
    const from = before && { ...before, kills: Math.max(before.kills, this.#killsClaimed) };
    if (signal !== null && from && wasKilledForMemory([from, after]))
      this.#killsClaimed = from.kills + 1;
    return [from, after];
  }
}

function howItEnded({ code, signal }: ProcessEnd): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? NEVER_STARTED : `exit code ${code}`;
}
