/**
 * @file What the workers of a run log: each line once, few enough for a disk, as events. Pure but for its clock.
 *
 * A worker may send what it likes: its lines are bounded and escaped before they come here, and here their number is.
 */
import type { LogLine } from '../../shared/contract/messages.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { ErrorReport } from '../../shared/core/error-report.ts';
import { foreignLine } from '../../shared/core/text.ts';
import type { RunEvent } from '../../shared/runs/events.ts';

/** What lines are passed on to. */
export interface WorkerLogParts {
  readonly clock: Clock;
  readonly onEvent: (event: RunEvent) => void;
}

/** Who has written them. */
interface Speaker {
  readonly worker: string;
  readonly host: string;
  /** Of its process. */
  readonly instance: string;
}

/** So many lines at once, and one more each so often: of one process, and of all together. */
const OF_ONE = { burst: 60, everyMs: 5_000 };
const OF_ALL = { burst: 600, everyMs: 500 };
/** Processes that are remembered, the newest; as many workers may be there at a time, and more. */
const PROCESSES_MAX = 8192;
/** Of a sentence and a hint. */
const LAST_WORDS_CHARS = 2000;

interface Known {
  readonly budget: Budget;
  /** The number of its newest line; undefined while it has sent none to this coordinator. */
  newest: number | undefined;
  leftOut: number;
}

/** Passes on the lines of all workers of one run. */
export class WorkerLogs {
  readonly #parts: WorkerLogParts;
  readonly #known = new Map<string, Known>();
  readonly #all: Budget;

  constructor(parts: WorkerLogParts) {
    this.#parts = parts;
    this.#all = new Budget(OF_ALL, parts.clock.nowMs());
  }

  /** Takes the lines of a message; returns the number of the newest line that has arrived, 0 without one. */
  take(from: Speaker, lines: readonly LogLine[] = []): number {
    if (lines.length === 0) return this.#known.get(from.instance)?.newest ?? 0;
    const known = this.#knownOf(from.instance);
    const nowMs = this.#parts.clock.nowMs();
    for (const { number, leftOut, level, text, ageMs } of lines) {
      const before = known.newest ?? number - 1 - leftOut;
      if (number <= before) continue;
      known.newest = number;
      known.leftOut += Math.max(0, Math.min(leftOut, number - before - 1));
      if (known.budget.has(nowMs) && this.#all.has(nowMs)) {
        known.budget.take();
        this.#all.take();
        this.#emit(from, known, { level, text, ageMs });
      } else known.leftOut += 1;
    }
    return known.newest ?? 0;
  }

  /** The error that a worker leaves with. */
  lastWords(from: Speaker, { code, reason, hint }: ErrorReport): void {
    const known = this.#knownOf(from.instance);
    if (!this.#all.has(this.#parts.clock.nowMs())) return;
    this.#all.take();
    const advice = hint === '' ? '' : ` (${hint})`;
    const text = foreignLine(`${code}: ${reason}${advice}`, LAST_WORDS_CHARS);
    this.#emit(from, known, { level: 'fatal', text, ageMs: 0 });
  }

  /** A worker is gone: what was left out of its lines is said now. */
  gone(from: Speaker): void {
    const known = this.#known.get(from.instance);
    if (known === undefined || known.leftOut === 0) return;
    if (!this.#all.has(this.#parts.clock.nowMs())) return;
    this.#all.take();
    this.#sayLeftOut(from, known);
  }

  #emit(
    { worker, host, instance }: Speaker,
    known: Known,
    line: Pick<LogLine, 'level' | 'text' | 'ageMs'>,
  ): void {
    if (known.leftOut > 0) this.#sayLeftOut({ worker, host, instance }, known, line.ageMs);
    this.#parts.onEvent({ type: 'workerLog', worker, host, ...line });
  }

  #sayLeftOut({ worker, host }: Speaker, known: Known, ageMs = 0): void {
    const { leftOut } = known;
    known.leftOut = 0;
    const text = `${leftOut} line${leftOut === 1 ? '' : 's'} left out`;
    this.#parts.onEvent({ type: 'workerLog', worker, host, level: 'warn', text, leftOut, ageMs });
  }

  #knownOf(instance: string): Known {
    const nowMs = this.#parts.clock.nowMs();
    const known = this.#known.get(instance) ?? {
      budget: new Budget(OF_ONE, nowMs),
      newest: undefined,
      leftOut: 0,
    };
    this.#known.set(instance, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > PROCESSES_MAX && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }
}

/** A bucket of tokens. */
class Budget {
  readonly #burst: number;
  readonly #everyMs: number;
  #tokens: number;
  #filledMs: number;

  constructor({ burst, everyMs }: typeof OF_ONE, nowMs: number) {
    this.#burst = burst;
    this.#everyMs = everyMs;
    this.#tokens = burst;
    this.#filledMs = nowMs;
  }

  has(nowMs: number): boolean {
    const more = Math.floor((nowMs - this.#filledMs) / this.#everyMs);
    if (more > 0) {
      this.#tokens = Math.min(this.#burst, this.#tokens + more);
      this.#filledMs += more * this.#everyMs;
    }
    return this.#tokens > 0;
  }

  take(): void {
    this.#tokens -= 1;
  }
}
