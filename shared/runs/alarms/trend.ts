/** @file The last values of a series, and those before them that they are compared with. Pure. */

/** Values that are compared with those before. */
const LATEST = 10;
/** Values that make the trend; with fewer than the second number there is none. */
const BEFORE = 100;
const BEFORE_MIN = 50;
/** Of a normal distribution, by the median of the distances from the median. */
const DEVIATIONS = 1.4826;

/** The newest values of a series beside its trend. */
export class Trend {
  readonly #latest: number[] = [];
  readonly #before: number[] = [];
  /** The same in ascending order. */
  readonly #sorted: number[] = [];

  /** Notes the next value; those of an alarm (`isApart`) do not become the trend. */
  add(value: number, isApart: boolean): void {
    this.#latest.push(value);
    if (this.#latest.length <= LATEST) return;
    const older = this.#latest.shift() as number;
    if (isApart) return;
    this.#before.push(older);
    this.#sorted.splice(placeIn(this.#sorted, older), 0, older);
    if (this.#before.length <= BEFORE) return;
    const oldest = this.#before.shift() as number;
    this.#sorted.splice(placeIn(this.#sorted, oldest), 1);
  }

  /** Forgets what was usual: the trend begins again with the newest values. */
  restart(): void {
    this.#before.length = 0;
    this.#sorted.length = 0;
  }

  /** Mean of the newest values. */
  get mean(): number {
    return this.#latest.reduce((sum, value) => sum + value, 0) / this.#latest.length;
  }

  /** Median of the newest values. */
  get median(): number {
    return middle(inOrder(this.#latest));
  }

  /** The median of the values before; undefined where they are too few. */
  get usual(): number | undefined {
    return this.#before.length < BEFORE_MIN ? undefined : middle(this.#sorted);
  }

  /** Standard deviation of the values before, robust against outliers. */
  get deviation(): number {
    const median = middle(this.#sorted);
    const distances = this.#sorted.map((value) => Math.abs(value - median));
    return DEVIATIONS * middle(inOrder(distances));
  }
}

const inOrder = (values: readonly number[]) => values.toSorted((a, b) => a - b);

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The first place in ascending numbers whose number is not below a value. */
function placeIn(sorted: readonly number[], value: number): number {
  let [first, end] = [0, sorted.length];
  while (first < end) {
    const at = (first + end) >> 1;
    if ((sorted[at] as number) < value) first = at + 1;
    else end = at;
  }
  return first;
}
