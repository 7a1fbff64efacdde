/** @file The unexpected end of a worker process: its cause, and the error of a run that it ends. Pure. */
import { isPermanent, TesseraError } from '../shared/core/errors.ts';
import { unbroken } from '../shared/core/text.ts';
import { formatBytes } from '../shared/core/units.ts';
import type { MemoryKills } from '../shared/machine/memory-kills.ts';
import type { ChosenEngine } from '../worker/parent/last-error.ts';

/** The end of one life of a worker. */
export interface WorkerDeath {
  readonly name: string;
  readonly pid: number | undefined;
  /** `exit code 69`, `signal SIGKILL` or `never started`. */
  readonly how: string;
  /** Its exit code or the signal, where it has one. */
  readonly code?: number | null;
  readonly signal?: string | null;
  /** Its cause; undefined if unknown. */
  readonly cause: DeathCause | undefined;
  /** '' where it has none. */
  readonly logPath: string;
}

/** How a process ends that could not be started. */
export const NEVER_STARTED = 'never started';

/** The cause of a death: the error that the worker sent, or what its exit and its log show. */
export type DeathCause =
  | TesseraError
  | { readonly sentence: string; readonly hint?: string | undefined };

/** What is known of a death. */
export interface DeathFacts {
  readonly code: number | null;
  readonly signal: string | null;
  /** The error that it sent to its parent. */
  readonly reported: TesseraError | undefined;
  /** The engine that it computed with, as far as it said. */
  readonly engine?: ChosenEngine | undefined;
  readonly lastWords: string;
  /** What the kernel has counted at the start of the process, or since it ended another one of ours, and now. */
  readonly kills: readonly [before: MemoryKills | undefined, after: MemoryKills | undefined];
}

const MEMORY_HINT =
  'start fewer workers (--workers), let this run have more memory, or begin one with a smaller training.microBatch';
const HEAP_HINT =
  'NODE_OPTIONS=--max-old-space-size=MIB makes it larger; fewer workers, a smaller training.microBatch or data.cacheBytes make do with less';

/** How runtimes and engines say that they got no memory. */
const NO_MEMORY =
  /bad_alloc|cannot allocate memory|out of memory|process OOM|allocation failed|failed to allocate/i;

/** Signals by which a process without memory ends: the kernel's, and those of its own failed allocations. */
const MEMORY_SIGNALS: ReadonlySet<string> = new Set(['SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGBUS']);
/** The same as exit codes, of a process that a shell stands before. */
const SIGNAL_OF_EXIT: Partial<Record<number, string>> = {
  134: 'SIGABRT',
  135: 'SIGBUS',
  137: 'SIGKILL',
  139: 'SIGSEGV',
};

/** What a library in the process ends it by: a failed check, a bad address. */
const CRASH_SIGNALS: ReadonlySet<string> = new Set([
  ...['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'],
]);

/** A crash is most likely of the engine: no other part is native and does as much. */
function crashCause({ engine: chosen, lastWords }: DeathFacts): DeathCause | undefined {
  if (chosen === undefined) return undefined;
  const { engine, plugin } = chosen;
  const words = lastWords === '' ? 'it said nothing' : lastWords;
  const other = 'or choose another engine: compute.engine, --engine of `tessera worker`';
  return {
    sentence: `most likely by engine ${engine}${plugin === undefined ? '' : `, plugin ${plugin}`}: ${words}`,
    hint: `\`tessera ${plugin === undefined ? 'doctor' : `engines test ${plugin}`}\` shows whether it works here; ${other}`,
  };
}

/** What a death is put down to: to memory only where the kernel or the process itself says so. */
export function causeOfDeath(facts: DeathFacts): DeathCause | undefined {
  const { reported, lastWords } = facts;
  if (reported !== undefined) {
    const isMemory = reported.hint === undefined && NO_MEMORY.test(reported.sentence);
    return isMemory ? { sentence: reported.sentence, hint: MEMORY_HINT } : reported;
  }
  if (/heap out of memory/i.test(lastWords)) {
    return { sentence: `its JavaScript heap was full: ${lastWords}`, hint: HEAP_HINT };
  }
  const signal = facts.signal ?? SIGNAL_OF_EXIT[facts.code ?? 0];
  if (signal !== undefined && MEMORY_SIGNALS.has(signal) && wasKilledForMemory(facts.kills)) {
    return { sentence: memorySentence(facts.kills[1]), hint: MEMORY_HINT };
  }
  if (NO_MEMORY.test(lastWords)) {
    return { sentence: `it could not have more memory: ${lastWords}`, hint: MEMORY_HINT };
  }
  return (
    (CRASH_SIGNALS.has(signal ?? '') ? crashCause(facts) : undefined) ?? plainCause(facts, signal)
  );
}

/** The cause of a death that is not for lack of memory. */
function plainCause({ code, lastWords, kills }: DeathFacts, signal: string | undefined) {
  if (lastWords !== '') return { sentence: lastWords };
  const [before, after] = kills;
  if (signal === 'SIGKILL' && before !== undefined && after !== undefined) {
    return {
      sentence: 'sent by another process, since the kernel has killed none for lack of memory',
    };
  }
  return code === 0 ? { sentence: 'it left during the run' } : undefined;
}

/** Whether the kernel has counted a kill between two looks at the same counter. */
export function wasKilledForMemory([before, after]: DeathFacts['kills']): boolean {
  if (before === undefined || after === undefined) return false;
  return before.isOurs === after.isOurs && after.kills > before.kills;
}

function memorySentence(kills: MemoryKills | undefined): string {
  const limit = kills?.limitBytes ?? Number.POSITIVE_INFINITY;
  const what =
    kills?.isOurs === true && Number.isFinite(limit)
      ? `the memory limit of ${formatBytes(limit)} was reached`
      : 'the machine had no memory left';
  return `killed by the kernel: ${what}`;
}

/** A death in words: who, how, and what it is put down to. */
export function deathText({ name, how, cause }: WorkerDeath): string {
  const end = `${name} ${how === NEVER_STARTED ? how : `ended with ${how}`}`;
  return cause === undefined ? end : `${end}: ${unbroken(cause.sentence)}`;
}

/** The block that names the first failure: the later ones are often only its echo. */
export function rootCause(
  death: WorkerDeath,
  what: 'worker' | 'host' = 'worker',
): readonly string[] {
  const isHost = what === 'host';
  return [
    '',
    'first failure',
    `  ${what.padEnd(6)}  ${death.name}${isHost ? '' : ` (pid ${death.pid ?? 'none'})`}`,
    `  end     ${death.how}`,
    `  cause   ${unbroken(death.cause?.sentence ?? 'it said nothing')}`,
    ...(isHost ? [] : [`  log     ${death.logPath || 'none'}`]),
    '',
  ];
}

/** The code of the error that a worker sent before it ended. */
export function codeOf({ cause }: WorkerDeath): TesseraError['code'] | undefined {
  return cause instanceof TesseraError ? cause.code : undefined;
}

/** What is missing at the end of a run that has too few workers. */
export interface Loss {
  readonly restarts: number;
  /** `no worker is left`. */
  readonly missing: string;
  /** What lets the run do without. */
  readonly wayOut?: string;
}

/**
 * The end of a run that has too few workers, and none may be started again: the error that all of them sent, if another
 * try gives it again; else WORKERS_LOST, which names the first failure.
 */
export function errorOfLoss(
  deaths: readonly [WorkerDeath, ...WorkerDeath[]],
  { restarts, missing, wayOut = '' }: Loss,
): TesseraError {
  const [first] = deaths;
  const { cause, logPath } = first;
  const code = codeOf(first);
  const isShared = deaths.every((death) => codeOf(death) === code);
  if (cause instanceof TesseraError && isShared && isPermanent(cause.code)) return cause;
  const engine = 'tessera doctor shows which engines work here';
  const hints = [
    wayOut,
    cause?.hint ?? (code === 'ENGINE_UNAVAILABLE' ? engine : ''),
    logPath === '' ? '' : `read ${logPath}`,
  ].filter((hint) => hint !== '');
  const after = `after ${restarts} restart${restarts === 1 ? '' : 's'}`;
  return new TesseraError('WORKERS_LOST', `${missing} ${after}; first, ${deathText(first)}`, {
    ...(hints.length > 0 && { hint: hints.join('; ') }),
    details: { first },
  });
}
