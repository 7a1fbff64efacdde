/** @file The alarm about training and held-out images that drift apart. Pure. */
import {
  type AlarmChange,
  type AlarmFacts,
  type AlarmInput,
  type AlarmRule,
  chanceLoss,
  over,
  raised,
  Smoothed,
} from './alarm.ts';

/** Evaluations since the best loss. */
const EVALUATIONS = 3;
/** The loss is higher than the best one by this share of it, and by this share of the loss of guessing. */
const SHARE = 0.25;
const CHANCE_SHARE = 0.1;
/** The training loss has fallen to less than this share of what it was then. */
const FALLEN = 0.98;

interface Judged {
  readonly version: number;
  readonly loss: number;
  /** Smoothed training loss at that time. */
  readonly trainLoss: number;
}

/**
 * The loss on the held-out images rises while that of training falls, and their accuracy no longer improves. A loss that
 * rises while the accuracy does too is of a model that is too sure of its errors, as many good ones are.
 */
export class Overfitting implements AlarmRule {
  readonly name = 'overfitting';
  readonly #chance: number;
  readonly #trainLoss = new Smoothed();
  /** Those that are judged: of the first split that is evaluated. */
  #split: string | undefined;
  #best: Judged | undefined;
  #bestAccuracy = Number.NEGATIVE_INFINITY;
  /** Evaluations since the best loss, and since the best accuracy. */
  #sinceLoss = 0;
  #sinceAccuracy = 0;
  #isRaised = false;

  constructor(facts: AlarmFacts) {
    this.#chance = chanceLoss(facts);
  }

  take(input: AlarmInput): AlarmChange | undefined {
    if (input.type === 'step' && Number.isFinite(input.loss)) this.#trainLoss.add(input.loss);
    if (input.type !== 'evaluation' || !Number.isFinite(input.loss)) return undefined;
    // The best version that is tested at the end is an older one.
    const { version, atStep, split, loss, accuracy } = input;
    this.#split ??= split;
    if (split !== this.#split || version !== atStep) return undefined;
    this.#sinceLoss += 1;
    this.#sinceAccuracy += 1;
    if (accuracy > this.#bestAccuracy) [this.#bestAccuracy, this.#sinceAccuracy] = [accuracy, 0];
    if (this.#best === undefined || loss < this.#best.loss) {
      this.#best = { version, loss, trainLoss: this.#trainLoss.value };
      this.#sinceLoss = 0;
    }
    return this.#isRaised ? this.#end(this.#best, loss) : this.#begin(this.#best, input);
  }

  #begin(best: Judged, { version, split, loss }: { version: number; split: string; loss: number }) {
    const isLong = Math.min(this.#sinceLoss, this.#sinceAccuracy) >= EVALUATIONS;
    const trainLoss = this.#trainLoss.value;
    const isApart = loss > best.loss + this.#margin(best) && trainLoss < FALLEN * best.trainLoss;
    if (!isLong || !isApart) return undefined;
    this.#isRaised = true;
    const train = `${best.trainLoss.toFixed(4)} to ${trainLoss.toFixed(4)}`;
    return raised(
      `the model overfits: from step ${best.version} to step ${version} the ${split} loss has risen from ${best.loss.toFixed(4)} to ${loss.toFixed(4)}, while the training loss fell from ${train}`,
    );
  }

  #end(best: Judged, loss: number): AlarmChange | undefined {
    const isBack = loss < best.loss + this.#margin(best) / 2;
    if (!isBack && this.#sinceAccuracy > 0) return undefined;
    this.#isRaised = false;
    this.#sinceLoss = 0;
    return over(
      isBack
        ? `the loss on the held-out images is near its best again: ${loss.toFixed(4)}`
        : 'the accuracy on the held-out images improves again',
    );
  }

  #margin({ loss }: Judged): number {
    return Math.max(SHARE * loss, CHANCE_SHARE * this.#chance);
  }
}
