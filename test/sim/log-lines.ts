/** @file What simulated workers log, and what must hold for it: each line is heard once, in its order, or is counted. */
import type { RunEvent } from '../../shared/runs/events.ts';
import { LogRing } from '../../worker/core/log-ring.ts';
import type { Host } from './host.ts';
import { check } from './violation.ts';
import type { World } from './world.ts';

const EVERY_MS = 500;
/** Each so often a worker says more than a ring holds. */
const BURST_EVERY = 9;
const BURST_LINES = 70;

type WorkerLog = Extract<RunEvent, { type: 'workerLog' }>;

/** A ring with a log of its own: lines are written as they are asked for, so that no turn of the world is spent on them. */
class TalkingRing extends LogRing {
  readonly #process: number;
  readonly #startMs: number;
  #times = 0;
  #number = 0;

  constructor(process: number, startMs: number) {
    super();
    this.#process = process;
    this.#startMs = startMs;
  }

  override oldest(nowMs: number) {
    this.#talk(nowMs);
    return super.oldest(nowMs);
  }

  override newest(nowMs: number) {
    this.#talk(nowMs);
    return super.newest(nowMs);
  }

  #talk(nowMs: number): void {
    while (this.#startMs + EVERY_MS * (this.#times + 1) <= nowMs) {
      this.#times += 1;
      for (let more = this.#times % BURST_EVERY === 0 ? BURST_LINES : 1; more > 0; more -= 1) {
        this.#number += 1;
        this.add('warn', `${this.#process} ${this.#number}`, nowMs);
      }
    }
  }
}

/** What one coordinator has said. */
class Heard {
  /** The newest line of each process. */
  readonly newest = new Map<number, number>();
  /** Lines left out since then. */
  readonly leftOut = new Map<number, number>();
  /** The process that spoke last by a name. */
  readonly speakers = new Map<string, number>();
  /** Said of the worker whose line follows, or that is gone. */
  open: WorkerLog | undefined;
}

/** The logs of all workers of a world. */
export class SimLogs {
  readonly #world: World;
  readonly #heard = new WeakMap<object, Heard>();
  #processes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The ring of a process that begins, and logs. */
  ringOf(host: Host): LogRing {
    this.#processes += 1;
    return new TalkingRing(this.#processes, host.clock.nowMs());
  }

  /** A coordinator says what a worker has logged. */
  heard(event: WorkerLog, coordinator: object): void {
    const { worker, text, leftOut } = event;
    const heard = this.#heard.get(coordinator) ?? new Heard();
    this.#heard.set(coordinator, heard);
    if (leftOut !== undefined) {
      this.#world.counts.logLinesLeftOut += leftOut;
      this.#settle(heard, undefined);
      heard.open = event;
      return;
    }
    const [, process, number] = (/^(\d+) (\d+)$/.exec(text) ?? []).map(Number);
    // What is no line of theirs is the error that a worker leaves with.
    if (process === undefined || number === undefined) return;
    this.#world.counts.logLines += 1;
    this.#settle(heard, { worker, process });
    const before = heard.newest.get(process);
    if (before !== undefined) {
      check(number > before, `line ${text} is heard once, and in its order`);
      const said = heard.leftOut.get(process) ?? 0;
      check(
        number - before - 1 <= said,
        `lines between ${before} and ${text} are counted: ${said}`,
      );
    }
    heard.newest.set(process, number);
    heard.leftOut.delete(process);
    heard.speakers.set(worker, process);
  }

  /** Puts down lines that were left out to the process that they are of. */
  #settle(heard: Heard, next: { readonly worker: string; readonly process: number } | undefined) {
    const { open } = heard;
    heard.open = undefined;
    if (open?.leftOut === undefined) return;
    const isOfNext = next !== undefined && next.worker === open.worker;
    const process = isOfNext ? next.process : heard.speakers.get(open.worker);
    if (process === undefined) return;
    heard.leftOut.set(process, (heard.leftOut.get(process) ?? 0) + open.leftOut);
  }
}
