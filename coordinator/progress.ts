/** @file How a run is doing, in numbers: what the status, the progress bar and metrics.jsonl report. */
import type { NodeTotals } from './core/messages.ts';

/** One committed step. Units  loss and accuracy are means over the step's samples, NaN where none could be read. */
export interface StepReport {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly imagesPerSecond: number;
}

/** One evaluation of the whole test set. */
export interface EvaluationReport {
  readonly version: number;
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** The part of the progress that a checkpoint keeps. */
export interface ProgressSnapshot {
  readonly evaluation: EvaluationReport | undefined;
  readonly best: EvaluationReport | undefined;
  readonly seconds: number;
}

/** Steps over which images/s and the shown loss are averaged (exponentially). */
const SMOOTHING_STEPS = 20;

/** Mean loss and accuracy of some samples; NaN without any. */
function means(totals: NodeTotals): { loss: number; accuracy: number } {
  return {
    loss: totals.lossSum / totals.samples,
    accuracy: totals.correct / totals.samples,
  };
}

/** Collects what happens in a run and answers how it is doing. */
export class RunProgress {
  last: StepReport | undefined;
  evaluation: EvaluationReport | undefined;
  best: EvaluationReport | undefined;
  /** Samples computed since this process started, for the mean speed at the end. */
  samples = 0;
  readonly #startedMs: number;
  readonly #secondsBefore: number;
  /** Steps to come that take longer than all after them. */
  #warmUpSteps: number;
  #stepMs = Number.NaN;
  #stepSamples = Number.NaN;
  #previousMs: number;
  #loss = Number.NaN;
  #accuracy = Number.NaN;

  /**
   * `warmUpSteps` are those until all features of a frozen backbone are kept: steps after them take a fraction of the
   * time, so how long the rest will take is not known before.
   */
  constructor(nowMs: number, resumed: ProgressSnapshot | undefined, warmUpSteps = 0) {
    this.#warmUpSteps = warmUpSteps;
    this.#startedMs = nowMs;
    this.#previousMs = nowMs;
    this.#secondsBefore = resumed?.seconds ?? 0;
    this.evaluation = resumed?.evaluation;
    this.best = resumed?.best;
  }

  /** Work begins (again) now: waiting for workers or evaluating is no part of a step's time. */
  stepStarted(nowMs: number): void {
    this.#previousMs = nowMs;
  }

  /** Notes a committed step. */
  stepDone(
    step: { step: number; epoch: number; learningRate: number; gradientNorm: number },
    totals: NodeTotals,
    nowMs: number,
  ): StepReport {
    const now = means(totals);
    this.#loss = smooth(this.#loss, now.loss);
    this.#accuracy = smooth(this.#accuracy, now.accuracy);
    this.#stepMs = smooth(this.#stepMs, nowMs - this.#previousMs);
    this.#previousMs = nowMs;
    // Both are smoothed: the last batch of an epoch may be short.
    this.#stepSamples = smooth(this.#stepSamples, totals.samples);
    this.samples += totals.samples;
    const imagesPerSecond = (this.#stepSamples * 1000) / this.#stepMs;
    this.last = { ...step, ...now, imagesPerSecond };
    if (this.#warmUpSteps > 0) this.#warmUp();
    return this.last;
  }

  /** Notes an evaluation; the best one is that of the highest accuracy, the earlier on a tie. */
  evaluated(version: number, epoch: number, totals: NodeTotals): EvaluationReport {
    this.evaluation = { version, epoch, ...means(totals) };
    if (this.best === undefined || this.evaluation.accuracy > this.best.accuracy) {
      this.best = this.evaluation;
    }
    return this.evaluation;
  }

  /** Loss and accuracy of the training batches, smoothed. */
  get smoothed(): { loss: number; accuracy: number } {
    return { loss: this.#loss, accuracy: this.#accuracy };
  }

  /** Seconds of this run, those before a resume included. */
  seconds(nowMs: number): number {
    return this.#secondsBefore + this.secondsHere(nowMs);
  }

  /** Seconds since this process started or resumed the run. */
  secondsHere(nowMs: number): number {
    return (nowMs - this.#startedMs) / 1000;
  }

  /** Seconds that `stepsLeft` steps will take at the present speed; NaN while others than those seen are to come. */
  etaSeconds(stepsLeft: number): number {
    if (stepsLeft === 0) return 0;
    const isSeen = this.#warmUpSteps === 0 || stepsLeft <= this.#warmUpSteps;
    return isSeen ? (stepsLeft * this.#stepMs) / 1000 : Number.NaN;
  }

  /** The speed of the warm-up says nothing about what follows. */
  #warmUp(): void {
    this.#warmUpSteps -= 1;
    if (this.#warmUpSteps > 0) return;
    this.#stepMs = Number.NaN;
    this.#stepSamples = Number.NaN;
  }

  snapshot(nowMs: number): ProgressSnapshot {
    return { evaluation: this.evaluation, best: this.best, seconds: this.seconds(nowMs) };
  }
}

/** What is not there moves nothing. */
function smooth(before: number, value: number): number {
  if (Number.isNaN(value)) return before;
  return Number.isNaN(before) ? value : before + (value - before) / SMOOTHING_STEPS;
}
