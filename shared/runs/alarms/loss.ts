/** @file Alarms about the loss: it is not finite, or far above its trend. Pure. */
import {
  type AlarmChange,
  type AlarmFacts,
  type AlarmInput,
  type AlarmRule,
  chanceLoss,
  over,
  raised,
} from './alarm.ts';
import { Trend } from './trend.ts';

/** Finite losses in a row after which it is over. */
const FINITE_STEPS = 100;

/** The loss of a step or an evaluation is not a number, or infinite. A step without a readable image has no loss. */
export class LossFinite implements AlarmRule {
  readonly name = 'notFinite';
  /** Finite losses since one that was not; undefined while it is over. */
  #finite: number | undefined;

  take(input: AlarmInput): AlarmChange | undefined {
    if (input.type !== 'step' && input.type !== 'evaluation') return undefined;
    const { loss, accuracy } = input;
    if (Number.isFinite(loss)) {
      if (this.#finite === undefined || ++this.#finite < FINITE_STEPS) return undefined;
      this.#finite = undefined;
      return over(`the loss has been finite again for ${FINITE_STEPS} steps`);
    }
    if (Number.isNaN(loss) && Number.isNaN(accuracy)) return undefined;
    const isNew = this.#finite === undefined;
    this.#finite = 0;
    if (!isNew) return undefined;
    const where =
      input.type === 'step'
        ? `training loss of step ${input.step}`
        : `${input.split} loss after step ${input.version}`;
    return raised(`the ${where} is not finite: ${loss}`);
  }
}

/** Deviations of single losses above their median, share of the median, share of the loss of guessing: above all three. */
const DEVIATIONS = 4;
const SHARE = 0.5;
const CHANCE_SHARE = 0.25;

/** The mean loss of the last 10 steps is far above that of the 100 before. */
export class LossTrend implements AlarmRule {
  readonly name = 'lossHigh';
  readonly #chance: number;
  readonly #trend = new Trend();
  /** While it is raised: the loss below which it is over. */
  #limit: number | undefined;

  constructor(facts: AlarmFacts) {
    this.#chance = chanceLoss(facts);
  }

  take(input: AlarmInput): AlarmChange | undefined {
    if (input.type !== 'step' || !Number.isFinite(input.loss)) return undefined;
    const trend = this.#trend;
    trend.add(input.loss, this.#limit !== undefined);
    const { mean } = trend;
    if (this.#limit !== undefined) {
      if (mean >= this.#limit) return undefined;
      this.#limit = undefined;
      trend.restart();
      return over(`the training loss is near its former trend again: ${mean.toFixed(4)}`);
    }
    const median = trend.usual;
    if (median === undefined) return undefined;
    const least = Math.max(SHARE * median, CHANCE_SHARE * this.#chance);
    if (mean < median + least) return undefined;
    const margin = Math.max(least, DEVIATIONS * trend.deviation);
    if (mean < median + margin) return undefined;
    this.#limit = median + margin / 2;
    return raised(
      `the training loss has risen far above its trend: ${mean.toFixed(4)} over the 10 steps to step ${input.step}, ${median.toFixed(4)} before`,
    );
  }
}
