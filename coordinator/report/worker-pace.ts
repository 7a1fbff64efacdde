/** @file How fast each worker is, where its time goes, and which one is slow. Pure: deliveries and the time go in. */
import type { NodeHeader, WorkerTimings } from '../../shared/contract/messages.ts';
import type { TimeShares } from '../../shared/contract/status.ts';
import { median } from '../../shared/core/numbers.ts';
import { formatNumber } from '../../shared/core/units.ts';

/** Steps over which speeds and shares are taken. */
const STEPS = 20;
/** Steps over which a worker is compared with the others: one that becomes slow is named within as many. */
const COMPARED_STEPS = 3;
/** The first steps of a process are slow by themselves, one worker's more than another's. */
const WARM_UP_STEPS = 5;
/** About twice as long as the others; measured times scatter. */
const SLOW_RATIO = 1.75;
/** A slow worker counts as slow until it is this near to the others again. */
const OVER_RATIO = 1.4;

/** What one worker did in one round. */
interface Lap {
  readonly round: string;
  samples: number;
  timings: WorkerTimings;
}

/** A worker that has become slow, or is no longer. */
export interface PaceNotice {
  readonly worker: string;
  readonly state: 'raised' | 'over';
  /** Time for an image, as a multiple of the others' median. */
  readonly ratio: number;
  /** Without the worker's name. */
  readonly sentence: string;
}

/** Speed and shares of one worker over its last steps; NaN before its first node. */
export interface Pace {
  readonly imagesPerSecond: number;
  readonly shares: TimeShares;
  /** Its time for an image, as a multiple of the median of the other workers; NaN where there is nothing to compare. */
  readonly ratio: number;
}

/** Parts of the time for an image. Units  milliseconds. */
interface ImageTime {
  readonly exchange: number;
  readonly fetch: number;
  readonly compute: number;
  readonly all: number;
}

/** What is known of one worker. */
class WorkerLaps {
  readonly laps: Lap[] = [];
  lastMs = 0;
  isSlow = false;

  add(round: string, { samples, timings }: NodeHeader, nowMs: number): void {
    this.lastMs = nowMs;
    const last = this.laps.at(-1);
    if (last?.round === round) {
      last.samples += samples;
      last.timings = sumOf([last.timings, timings]);
      return;
    }
    this.laps.push({ round, samples, timings });
    if (this.laps.length > STEPS) this.laps.shift();
  }

  imageTime(): ImageTime {
    const laps = this.laps.slice(-COMPARED_STEPS);
    const samples = samplesOf(laps);
    const { pullMs, pushMs, fetchMs, computeMs } = sumOf(laps.map(({ timings }) => timings));
    const [exchange, fetch, compute] = [pullMs + pushMs, fetchMs, computeMs].map(
      (ms) => ms / samples,
    ) as [number, number, number];
    return { exchange, fetch, compute, all: exchange + fetch + compute };
  }
}

/** Notes what workers deliver. */
export class WorkerPace {
  readonly #records = new Map<string, WorkerLaps>();

  /** A node of a worker was taken. */
  delivered(worker: string, node: NodeHeader, nowMs: number): void {
    const record = this.#records.get(worker) ?? new WorkerLaps();
    this.#records.set(worker, record);
    record.add(`${node.kind} ${node.step}`, node, nowMs);
  }

  /** Forgets workers that are not there any more. */
  keep(here: ReadonlySet<string>): void {
    for (const worker of this.#records.keys()) if (!here.has(worker)) this.#records.delete(worker);
  }

  /** The pace of a worker; the time for which it is late with work that it holds counts as well. */
  of(worker: string, holdsWork: boolean, nowMs: number): Pace {
    const record = this.#records.get(worker);
    const laps = record?.laps ?? [];
    const total = sumOf(laps.map(({ timings }) => timings));
    const spent = msOf(total);
    const sinceMs = nowMs - (record?.lastMs ?? nowMs);
    const lateMs = holdsWork ? Math.max(0, sinceMs - spent / laps.length) : 0;
    return {
      imagesPerSecond: (samplesOf(laps) * 1000) / (spent + lateMs),
      shares: sharesOf(total, spent),
      ratio: this.#ratioOf(worker),
    };
  }

  /** A step is done: workers that are slow now and were not before it, and those that are no longer. */
  stepDone(): readonly PaceNotice[] {
    const notices: PaceNotice[] = [];
    for (const [worker, record] of this.#records) {
      if (record.laps.length < WARM_UP_STEPS + COMPARED_STEPS) continue;
      const ratio = this.#ratioOf(worker);
      if (!record.isSlow && ratio >= SLOW_RATIO) {
        record.isSlow = true;
        notices.push({ worker, state: 'raised', ratio, sentence: this.#whySlow(worker, ratio) });
      } else if (record.isSlow && ratio < OVER_RATIO) {
        record.isSlow = false;
        const sentence = 'is about as fast as the other workers again';
        notices.push({ worker, state: 'over', ratio, sentence });
      }
    }
    return notices;
  }

  #others(worker: string): readonly ImageTime[] {
    return [...this.#records]
      .filter(([name, { laps }]) => name !== worker && samplesOf(laps) > 0)
      .map(([, record]) => record.imageTime());
  }

  #ratioOf(worker: string): number {
    const own = this.#records.get(worker)?.imageTime().all ?? Number.NaN;
    return own / median(this.#others(worker).map(({ all }) => all));
  }

  #whySlow(worker: string, ratio: number): string {
    const own = this.#records.get(worker)?.imageTime();
    const others = this.#others(worker);
    const parts = (['compute', 'fetch', 'exchange'] as const).map((part) => {
      const usual = median(others.map((time) => time[part]));
      return { part, ms: own?.[part] ?? 0, usual };
    });
    const [most] = parts.sort((a, b) => b.ms - b.usual - (a.ms - a.usual));
    const why =
      most === undefined
        ? ''
        : `, most of it in ${PARTS[most.part]}: ${formatNumber(most.ms, 1)} ms an image against ${formatNumber(most.usual, 1)} ms`;
    return `takes ${formatNumber(ratio, 1)} times as long for an image as the other workers${why}`;
  }
}

const PARTS = {
  compute: 'computing',
  fetch: 'fetching and decoding images',
  exchange: 'exchanging parameters and gradients',
} as const;

const samplesOf = (laps: readonly Lap[]) => laps.reduce((sum, { samples }) => sum + samples, 0);

function sumOf(all: readonly WorkerTimings[]): WorkerTimings {
  const total = (pick: (timings: WorkerTimings) => number) =>
    all.reduce((sum, timings) => sum + pick(timings), 0);
  return {
    pullMs: total((timings) => timings.pullMs),
    fetchMs: total((timings) => timings.fetchMs),
    computeMs: total((timings) => timings.computeMs),
    pushMs: total((timings) => timings.pushMs),
    idleMs: total((timings) => timings.idleMs),
  };
}

const msOf = ({ pullMs, fetchMs, computeMs, pushMs, idleMs }: WorkerTimings) =>
  pullMs + fetchMs + computeMs + pushMs + idleMs;

function sharesOf(total: WorkerTimings, spent: number): TimeShares {
  const { pullMs, fetchMs, computeMs, pushMs, idleMs } = total;
  const [pull, fetch, compute, push, idle] = [pullMs, fetchMs, computeMs, pushMs, idleMs].map(
    (ms) => ms / spent,
  ) as [number, number, number, number, number];
  return { pull, fetch, compute, push, idle };
}
