/** @file How a run is doing, in numbers: what the status, the progress bar and metrics.jsonl report. */

import { isPlausible } from '../../shared/core/divergence.ts';
import { type NodeTotals, splitOf, type WorkKind } from '../../shared/core/work.ts';
import type { ProgressSnapshot } from '../../shared/runs/checkpoint/state.ts';
import type { EvaluationReport, JudgingSplit, StepReport } from '../../shared/runs/events.ts';
import { afterEvaluation, NO_PLATEAU, type Plateau } from '../../shared/training/plateau.ts';
import type { Evaluated } from '../core/messages.ts';

/** Steps over which images/s and the shown loss are averaged (exponentially). */
const SMOOTHING_STEPS = 20;

/** Mean loss and accuracy of some samples; NaN without any. */
function means(totals: NodeTotals): { loss: number; accuracy: number } {
  return {
    loss: totals.lossSum / totals.samples,
    accuracy: totals.correct / totals.samples,
  };
}

/** Collects the events of a run and reports its progress. */
export class RunProgress {
  last: StepReport | undefined;
  evaluation: EvaluationReport | undefined;
  best: EvaluationReport | undefined;
  readonly chosenOn: JudgingSplit;
  /** Of the schedule `plateau`. */
  plateau: Plateau;
  readonly #patience: number;
  /** The test at the end, where another split chooses the best. */
  #test: EvaluationReport | undefined;
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
   * time, so how long the rest will take is not known before. `patience` is that of the schedule `plateau`.
   */
  constructor(
    nowMs: number,
    resumed: ProgressSnapshot | undefined,
    warmUpSteps = 0,
    chosenOn: JudgingSplit = 'test',
    patience = Number.POSITIVE_INFINITY,
  ) {
    this.plateau = resumed?.plateau ?? NO_PLATEAU;
    this.#patience = patience;
    this.#warmUpSteps = warmUpSteps;
    this.#startedMs = nowMs;
    this.#previousMs = nowMs;
    this.#secondsBefore = resumed?.seconds ?? 0;
    this.chosenOn = chosenOn;
    // What an older version judged on other images is not to be compared with.
    if ((resumed?.chosenOn ?? 'test') !== chosenOn) return;
    this.evaluation = resumed?.evaluation;
    // Older versions took the highest accuracy, whatever the loss.
    this.best = resumed?.best && isPlausible(resumed.best) ? resumed.best : undefined;
    this.#test = resumed?.test;
  }

  /** Work starts (again) now: waiting for workers and evaluating do not count as a step's time. */
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

  /** Notes an evaluation. */
  evaluated({ kind, version, epoch, totals, isBest }: Evaluated): EvaluationReport {
    const report = { version, epoch, ...means(totals) };
    if (splitOf(kind) !== this.chosenOn) {
      this.#test = report;
      return report;
    }
    this.evaluation = report;
    if (isBest) this.best = report;
    this.plateau = afterEvaluation(this.plateau, { epoch, isBest }, this.#patience);
    return report;
  }

  /** The last evaluation on a split. */
  lastOn(split: JudgingSplit): EvaluationReport | undefined {
    if (split === this.chosenOn) return this.evaluation;
    return split === 'test' ? this.#test : undefined;
  }

  /** Evaluations of a version that are known. */
  knownOf(version: number): WorkKind[] {
    const kind = this.chosenOn === 'test' ? 'test' : 'validate';
    const judged: WorkKind[] = this.evaluation?.version === version ? [kind] : [];
    // There is one test besides, at the end.
    return this.#test === undefined ? judged : [...judged, 'test'];
  }

  /** Which version is the best, by what, and which was tested. */
  get chosen() {
    return {
      testedStep: this.lastOn('test')?.version ?? Number.NaN,
      chosenOn: this.chosenOn,
      bestStep: this.best?.version ?? Number.NaN,
      bestAccuracy: this.best?.accuracy ?? Number.NaN,
      bestLoss: this.best?.loss ?? Number.NaN,
    };
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

  /** Images a second since then, waiting and testing included. */
  meanImagesPerSecond(nowMs: number): number {
    return this.samples / this.secondsHere(nowMs);
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
    const { evaluation, best, chosenOn } = this;
    const chosen = chosenOn === 'test' ? {} : { chosenOn, test: this.#test };
    const cut = this.#patience < Number.POSITIVE_INFINITY && { plateau: this.plateau };
    return { evaluation, best, seconds: this.seconds(nowMs), ...chosen, ...cut };
  }
}

/** What is not there moves nothing. */
function smooth(before: number, value: number): number {
  if (Number.isNaN(value)) return before;
  return Number.isNaN(before) ? value : before + (value - before) / SMOOTHING_STEPS;
}
