/** @file The alarm about gradients whose norm explodes. Pure. */
import { type AlarmChange, type AlarmInput, type AlarmRule, over, raised } from './alarm.ts';
import { Trend } from './trend.ts';

/** Multiples of the trend that begin it and end it. */
const RATIO = 10;
const OVER_RATIO = 3;
/** Multiple of the highest trend of the run: norms fall while a model learns, and a small one may rise far. */
const HIGHEST_RATIO = 2;
/** A norm below this is harmless, whatever it was before. */
const NORM_MIN = 1;

/** The median gradient norm of the last 10 steps is ten times that of the 100 before. */
export class GradientNorm implements AlarmRule {
  readonly name = 'gradientHigh';
  readonly #trend = new Trend();
  #highest = 0;
  /** While it is raised: the norm below which it is over. */
  #limit: number | undefined;

  take(input: AlarmInput): AlarmChange | undefined {
    if (input.type !== 'step' || !Number.isFinite(input.gradientNorm)) return undefined;
    const trend = this.#trend;
    trend.add(input.gradientNorm, this.#limit !== undefined);
    const norm = trend.median;
    if (this.#limit !== undefined) {
      if (norm >= this.#limit) return undefined;
      this.#limit = undefined;
      trend.restart();
      return over(`the gradient norm is near its former trend again: ${norm.toPrecision(3)}`);
    }
    const median = trend.usual;
    if (median === undefined) return undefined;
    this.#highest = Math.max(this.#highest, median);
    if (norm < Math.max(RATIO * median, HIGHEST_RATIO * this.#highest, NORM_MIN)) return undefined;
    this.#limit = Math.max(OVER_RATIO * median, NORM_MIN / 2);
    return raised(
      `the gradient norm explodes: ${norm.toPrecision(3)} over the 10 steps to step ${input.step}, ${median.toPrecision(3)} before`,
    );
  }
}
