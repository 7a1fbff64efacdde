/** @file The alarm about a training that does not learn, or no longer does. Pure. */
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

/** A smoothed loss above this share of the loss of guessing has learned nothing; below the second one it has. */
const GUESSING = 0.97;
const LEARNED = 0.95;
/** So many steps, epochs and this share of the run, whichever is longest, without any learning. */
const GUESSING_TIME = { steps: 300, epochs: 2, share: 0.1 } as const;

/** The smoothed loss has improved if it is lower by this share. */
const BETTER = 0.005;
/** The time without an improvement. */
const STILL_TIME = { steps: 500, epochs: 3, share: 0.2 } as const;
/** Below this share of the loss of guessing, or of the highest learning rate, a loss that stays is the end of learning. */
const HIGH_LOSS = 0.5;
const LOW_RATE = 0.1;

type Time = typeof GUESSING_TIME | typeof STILL_TIME;

/** The training loss stays where it is, though it is high and the learning rate is too. */
export class LearningStalled implements AlarmRule {
  readonly name = 'learningStalled';
  readonly #facts: AlarmFacts;
  readonly #chance: number;
  readonly #loss = new Smoothed();
  #best = Number.POSITIVE_INFINITY;
  #bestStep = 0;
  /** The last step of which the learning rate was higher than before it. */
  #risenStep: number | undefined;
  #rate = 0;
  #highestRate = 0;
  /** While it is raised: the smoothed loss below which it is over. */
  #limit: number | undefined;

  constructor(facts: AlarmFacts) {
    this.#facts = facts;
    this.#chance = chanceLoss(facts);
  }

  take(input: AlarmInput): AlarmChange | undefined {
    if (input.type !== 'step' || !Number.isFinite(input.loss)) return undefined;
    const { step, learningRate } = input;
    this.#loss.add(input.loss);
    const loss = this.#loss.value;
    const isRising = learningRate > this.#rate;
    this.#rate = learningRate;
    this.#highestRate = Math.max(this.#highestRate, learningRate);
    if (isRising) this.#risenStep = step;
    if (isRising || loss < this.#best * (1 - BETTER)) {
      this.#best = isRising ? loss : Math.min(loss, this.#best);
      this.#bestStep = step;
    }
    if (this.#limit !== undefined) {
      if (loss >= this.#limit) return undefined;
      this.#limit = undefined;
      return over(`the training loss falls again: ${loss.toFixed(4)} at step ${step}`);
    }
    return this.#guessing(loss, step) ?? this.#still(loss, step);
  }

  #guessing(loss: number, step: number): AlarmChange | undefined {
    const steps = step - (this.#risenStep ?? step);
    if (loss < GUESSING * this.#chance || steps < this.#stepsOf(GUESSING_TIME)) return undefined;
    this.#limit = LEARNED * this.#chance;
    return raised(
      `the model has learned nothing in ${steps} steps: its training loss, ${loss.toFixed(4)}, is that of guessing (${this.#chance.toFixed(4)})`,
    );
  }

  #still(loss: number, step: number): AlarmChange | undefined {
    const steps = step - this.#bestStep;
    if (steps < this.#stepsOf(STILL_TIME)) return undefined;
    if (loss < HIGH_LOSS * this.#chance || this.#rate < LOW_RATE * this.#highestRate) {
      return undefined;
    }
    this.#limit = this.#best * (1 - BETTER);
    return raised(
      `learning has stalled: the training loss has not fallen below ${this.#best.toFixed(4)} for ${steps} steps, since step ${this.#bestStep}`,
    );
  }

  #stepsOf({ steps, epochs, share }: Time): number {
    const { stepsPerEpoch, totalSteps } = this.#facts;
    return Math.max(steps, epochs * stepsPerEpoch, share * totalSteps);
  }
}
