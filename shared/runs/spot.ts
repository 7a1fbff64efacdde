/**
 * @file Spot arithmetic: what the deaths of a run have cost, from its events over all lives of its coordinator. Pure.
 *
 * The first event of each life is `data`. What a life did after its last checkpoint the next one does again.
 */
import { engineOn, type TimedEvent } from './events.ts';

/** What has happened to a run beside training, over all its lives. */
export interface SpotReport {
  /** Lives of the coordinator: 1 for a run that was never started again. */
  readonly lives: number;
  /** Workers that were lost while the coordinator lived. Those that left in good order do not count. */
  readonly workersLost: number;
  /** From each end of a life, or lack of workers, until the run was again as far as it had been. */
  readonly secondsLost: number;
  /** Steps that were computed once more after a resume, and their training images. */
  readonly stepsAgain: number;
  readonly samplesAgain: number;
  /** Leaves that lost workers held, which others computed. */
  readonly leavesAgain: number;
  /** Of the steps that were computed once more: those whose parameters have other bits than the first time. */
  readonly stepsDiffering: number;
  /** Whether all engines and processors that took part were of one kind: only then are the bits promised. */
  readonly isOneKind: boolean;
}

/** Of a run that nothing has happened to. */
export const UNDISTURBED: SpotReport = {
  ...{ lives: 1, workersLost: 0, secondsLost: 0, stepsAgain: 0, samplesAgain: 0, leavesAgain: 0 },
  ...{ stepsDiffering: 0, isOneKind: true },
};

/** Sums of steps that are kept to compare them with those of the same steps later. */
const SUMS_MAX = 16_384;
/** Kinds of engines beyond the second change nothing. */
const KINDS_MAX = 2;

/** Takes the events of a run in their order, those of earlier lives first. */
export class SpotAccount {
  readonly #batchSize: number;
  #trainSamples = 0;
  #lives = 0;
  #workersLost = 0;
  #lostMs = 0;
  #stepsAgain = 0;
  #samplesAgain = 0;
  #leavesAgain = 0;
  #stepsDiffering = 0;
  /** The furthest step so far. */
  #furthest = 0;
  /** When the run stopped to move on; undefined while it does. */
  #stoodMs: number | undefined;
  #lastMs = Number.NaN;
  readonly #sums = new Map<number, string>();
  readonly #kinds = new Set<string>();

  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  /** Takes the next event. */
  add(event: TimedEvent): void {
    const nowMs = Date.parse(event.time);
    if (event.type === 'data') this.#begins(event.size['train'] ?? 0);
    else if (event.type === 'step') this.#step(event, nowMs);
    else if (event.type === 'worker') this.#worker(event);
    else if (event.type === 'phase' && event.phase === 'waiting' && this.#furthest > 0) {
      this.#stoodMs ??= nowMs;
    }
    this.#lastMs = nowMs;
  }

  /** What it comes to so far; `nowMs` is the time, where it is to count what is being lost now. Units  ms since 1970. */
  report(nowMs = this.#lastMs): SpotReport {
    const standing = this.#stoodMs === undefined ? 0 : Math.max(0, nowMs - this.#stoodMs) || 0;
    return {
      lives: Math.max(1, this.#lives),
      workersLost: this.#workersLost,
      secondsLost: (this.#lostMs + standing) / 1000,
      stepsAgain: this.#stepsAgain,
      samplesAgain: this.#samplesAgain,
      leavesAgain: this.#leavesAgain,
      stepsDiffering: this.#stepsDiffering,
      isOneKind: this.#kinds.size < KINDS_MAX,
    };
  }

  #begins(trainSamples: number): void {
    this.#lives += 1;
    this.#trainSamples = trainSamples;
    // Its workers, and the time since its last record, went with the life before.
    if (this.#lives > 1 && this.#furthest > 0 && !Number.isNaN(this.#lastMs)) {
      this.#stoodMs ??= this.#lastMs;
    }
  }

  #step(event: Extract<TimedEvent, { type: 'step' }>, nowMs: number): void {
    const { step, parameterSums, timings } = event;
    if (step <= this.#furthest) {
      this.#stepsAgain += 1;
      this.#samplesAgain += this.#samplesOf(step);
      const before = this.#sums.get(step);
      if (before !== undefined && parameterSums !== undefined && before !== parameterSums) {
        this.#stepsDiffering += 1;
      }
    }
    if (parameterSums !== undefined) this.#keep(step, parameterSums);
    if (step < this.#furthest) return;
    const isNew = step > this.#furthest;
    this.#furthest = step;
    if (this.#stoodMs === undefined) return;
    // A new step takes its own time, which is not lost.
    const ownMs = isNew && timings.wallMs > 0 ? timings.wallMs : 0;
    this.#lostMs += Math.max(0, nowMs - this.#stoodMs - ownMs) || 0;
    this.#stoodMs = undefined;
  }

  #worker({ what, engine, processor, leaves = 0 }: Extract<TimedEvent, { type: 'worker' }>): void {
    if (engine !== undefined && this.#kinds.size < KINDS_MAX)
      this.#kinds.add(engineOn(engine, processor));
    if (what !== 'lost') return;
    this.#workersLost += 1;
    this.#leavesAgain += leaves;
  }

  #keep(step: number, sums: string): void {
    this.#sums.delete(step);
    this.#sums.set(step, sums);
    if (this.#sums.size <= SUMS_MAX) return;
    for (const oldest of this.#sums.keys()) {
      this.#sums.delete(oldest);
      return;
    }
  }

  /** Training images of a step: the last batch of a pass may be short. */
  #samplesOf(step: number): number {
    if (this.#trainSamples === 0) return this.#batchSize;
    const stepsPerEpoch = Math.ceil(this.#trainSamples / this.#batchSize);
    const at = (step - 1) % stepsPerEpoch;
    return Math.min(this.#batchSize, this.#trainSamples - at * this.#batchSize);
  }
}

/** Whether anything has happened to a run that its report should say. */
export function isDisturbed({ lives, workersLost }: SpotReport): boolean {
  return lives > 1 || workersLost > 0;
}
