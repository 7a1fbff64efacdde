/** @file Where a situation plays: a folder of its own, processes that are all found again, and what must not be lost. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { scratchFolder, TESSERA, TesseraProcess, WatchedProcess } from '../support/cluster.ts';
import { TINY } from './tiny-run.ts';

/** How a process is started, beside its words. */
export interface Start {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command that becomes this process. */
  readonly through?: readonly string[];
}

/** Processes of a situation bear this in their environment, and so do their children. */
const MARK = 'OPS_STAGE';
const POLL_MS = 20;
const WAIT_MS = 45_000;
/** Workers see the end of their parent, and look again for a coordinator that was killed, no longer than this. */
const GONE_MS = 15_000;

/** Of each output. */
const TRANSCRIPT_BYTES = 2_000;

let stages = 0;

/** One situation's place. */
export class Stage {
  /** The current folder of all that is typed. */
  readonly folder = scratchFolder();
  /** Figures for the table, such as how long something took. */
  readonly figures: string[] = [];
  /** From the first time that a permanent error was known to the end of its run. */
  permanentMs: number | undefined;
  readonly #mark: string;
  readonly #typed = new Map<WatchedProcess, string>();
  readonly #kept = new Map<string, string>();

  constructor() {
    stages += 1;
    this.#mark = `${process.pid}-${stages}`;
  }

  /** A path within the folder. */
  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Types `tessera ARGS`. */
  tessera(args: readonly string[], start: Start = {}): TesseraProcess {
    const process = new TesseraProcess(args, { ...start, ...this.#place(start) });
    this.#typed.set(
      process,
      through(start.through ?? [], ['tessera', ...shortened(args)].join(' ')),
    );
    return process;
  }

  /** Types a line that a command has printed into a shell where `tessera` is on the PATH. */
  typeInShell(line: string): WatchedProcess {
    const bin = this.path('bin');
    mkdirSync(bin, { recursive: true });
    const program = `#!/bin/sh\nexec ${TESSERA.map((word) => `'${word}'`).join(' ')} "$@"\n`;
    writeFileSync(join(bin, 'tessera'), program, { mode: 0o755 });
    const found = { PATH: `${bin}:${process.env['PATH']}` };
    return this.type(['sh', '-c', line], { env: found });
  }

  /** Types any other command. */
  type(words: readonly string[], start: Start = {}): WatchedProcess {
    const process = new WatchedProcess(words, this.#place(start));
    this.#typed.set(process, words.join(' '));
    return process;
  }

  /** What was typed to start a process, as the table shows it. */
  commandOf(process: WatchedProcess): string {
    const typed = this.#typed.get(process) ?? '';
    return typed.replaceAll(`${this.folder}/`, '').replaceAll(/\s+/g, ' ');
  }

  /** What was typed last. */
  get lastCommand(): string {
    const last = [...this.#typed.keys()].at(-1);
    return last === undefined ? '' : this.commandOf(last);
  }

  /** Starts a coordinator in `runFolder` and waits until it listens; answers it and its address. */
  async coordinator(
    args: readonly string[],
    start: Start = {},
  ): Promise<{ readonly coordinator: TesseraProcess; readonly address: string }> {
    const coordinator = this.tessera(['coordinator', ...args], start);
    const [, address = ''] = await coordinator.printed(/coordinator\s+(127\.0\.0\.1:[1-9]\d*)/);
    return { coordinator, address };
  }

  /** Waits until something is so. Throws  an Error that names it when it does not come. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const startedMs = performance.now();
    while (!(await isSo())) {
      if (performance.now() - startedMs > WAIT_MS) throw new Error(`never came: ${what}`);
      await new Promise((later) => setTimeout(later, POLL_MS));
    }
  }

  /** Waits until a run has written a checkpoint. */
  async checkpointed(runFolder: string): Promise<void> {
    const folder = this.path(runFolder, 'checkpoints');
    await this.until(`a checkpoint in ${runFolder}`, () => wholeCheckpoints(folder).length > 0);
  }

  /** Remembers all files of a folder: they must be there at the end, byte by byte. */
  keep(folder: string): void {
    for (const path of filesIn(this.path(folder))) this.#kept.set(path, sha256Of(path));
    if (this.#kept.size === 0) throw new Error(`nothing to keep in ${folder}`);
  }

  /** Files that were to be kept and are not as they were. */
  lost(): string[] {
    const isLost = ([path, sha256]: [string, string]) =>
      !existsSync(path) || sha256Of(path) !== sha256;
    return [...this.#kept].filter(isLost).map(([path]) => relative(this.folder, path));
  }

  /**
   * Counts the time from when an error was first known, by the time that a log or the metrics of a run have, until now.
   * Where no record tells, from `startedMs`, the start of the command: longer than it was.
   */
  permanentSince(
    error: RegExp,
    runFolder: string,
    startedMs: number,
    logs: readonly string[] = [],
  ): void {
    const folder = this.path(runFolder, 'logs');
    const names = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
    const metrics = this.path(runFolder, 'metrics.jsonl');
    const files = [...names, metrics].filter((path) => existsSync(path));
    const lines = [...files.map((path) => readFileSync(path, 'utf8')), ...logs].flatMap((text) =>
      text.split('\n').filter((line) => line.startsWith('{') && error.test(line)),
    );
    const timesMs = lines.map(timeOf).filter((ms) => ms >= startedMs);
    const firstMs = timesMs.length === 0 ? startedMs : Math.min(...timesMs);
    this.permanentMs = Date.now() - firstMs;
    const from = timesMs.length === 0 ? 'the start' : 'the first record of the error';
    this.figures.push(`${(this.permanentMs / 1000).toFixed(1)} s from ${from} to the end`);
  }

  /** What was typed, and what came of it so far: for whoever looks for the reason of a failure. */
  transcript(): string {
    const parts = [...this.#typed.keys()].map((process) => {
      const { stdout, stderr, child } = process;
      const end = child.exitCode ?? child.signalCode ?? 'runs';
      return `$ ${this.commandOf(process)}\n${tail(stdout)}${tail(stderr)}(${end})`;
    });
    return parts.join('\n\n');
  }

  /** Ends everything, and answers the commands of processes that would not end by themselves once their starter was gone. */
  async close(): Promise<string[]> {
    for (const process of this.#typed.keys()) process.kill();
    const startedMs = performance.now();
    let left = this.#living();
    while (left.length > 0 && performance.now() - startedMs < GONE_MS) {
      await new Promise((later) => setTimeout(later, POLL_MS));
      left = this.#living();
    }
    for (const { pid } of left) kill(pid);
    rmSync(this.folder, { recursive: true, force: true });
    return left.map(({ command }) => command);
  }

  /** Where and as what a process starts; npm's own variables would change what commands are printed. */
  #place({ cwd = this.folder, env = {} }: Start) {
    const npm = { npm_command: undefined, npm_package_name: undefined };
    return { cwd, env: { ...npm, ...env, [MARK]: this.#mark } };
  }

  #living(): { pid: number; command: string }[] {
    if (!existsSync('/proc/self/environ')) return [];
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const environment = procText(pid, 'environ');
        if (!environment.split('\0').includes(`${MARK}=${this.#mark}`)) return [];
        const command = procText(pid, 'cmdline').replaceAll('\0', ' ').trim();
        // What has ended and was not yet asked for its code has no command line.
        return command === '' ? [] : [{ pid: Number(pid), command }];
      });
  }
}

/** Names of the checkpoints that are whole, the oldest first. */
export function wholeCheckpoints(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'state.json')) && /^step-\d+$/.test(name))
    .toSorted();
}

/** A command that is started by another one, as one would type it. */
function through(words: readonly string[], command: string): string {
  const script = words.find((word) => word.includes('"$@"'));
  return (
    script?.replace(/(exec )?"\$@"/, command).replace('; exit $?', '') ??
    [...words, command].join(' ')
  );
}

/** Arguments without those that every tiny run has. */
function shortened(args: readonly string[]): string[] {
  const rest = [...args];
  const at = rest.findIndex((_, index) => TINY.every((word, i) => rest[index + i] === word));
  if (at >= 0) rest.splice(at, TINY.length, 'quickstart');
  return rest.map((word) => (/[\s'"]/.test(word) ? `'${word}'` : word));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** When a record of a log or of metrics.jsonl was written, in ms since 1970; NaN where it does not say. */
function timeOf(line: string): number {
  const time = /"time":(?:(\d+)|"([^"]+)")/.exec(line);
  return time === null ? Number.NaN : Number(time[1] ?? Date.parse(time[2] as string));
}

function tail(output: string): string {
  return output.slice(-TRANSCRIPT_BYTES);
}

function procText(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone meanwhile.
  }
}
