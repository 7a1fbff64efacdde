/** @file The steps of a run in columns of numbers, and what a page draws of them: buckets with least, most and mean. */

/** What is kept of each step beside its number and its time. */
const STEP_VALUES = [
  'loss',
  'accuracy',
  'learningRate',
  'gradientNorm',
  'imagesPerSecond',
] as const;
export type StepValue = (typeof STEP_VALUES)[number];

/** A step as it is kept. Units  milliseconds since 1970. */
export type StepRow = Readonly<Record<StepValue, number>> & {
  readonly step: number;
  readonly epoch: number;
  readonly timeMs: number;
};

/** Some values of a bucket of steps each; null where no step of it has one. */
interface Buckets {
  readonly min: (number | null)[];
  readonly max: (number | null)[];
  readonly mean: (number | null)[];
}

/** What a page draws. */
export interface DecimatedSteps {
  /** Steps of a bucket. */
  readonly bucket: number;
  /** The number of the first bucket. */
  readonly first: number;
  /** Of the last step of each bucket. */
  readonly step: number[];
  readonly epoch: number[];
  /** Seconds since 1970. */
  readonly time: number[];
  readonly values: Readonly<Record<StepValue, Buckets>>;
}

/** Steps that are kept; of more, every second one is dropped. 36 bytes each. */
const ROWS_MAX = 2 ** 21;
const FIRST_ROWS = 1024;

/** Grows by doubling. */
export class StepColumns {
  #length = 0;
  #step = new Uint32Array(FIRST_ROWS);
  #epoch = new Uint32Array(FIRST_ROWS);
  #timeMs = new Float64Array(FIRST_ROWS);
  readonly #values: Record<StepValue, Float32Array<ArrayBuffer>>;
  readonly #rowsMax: number;

  constructor(rowsMax = ROWS_MAX) {
    this.#rowsMax = rowsMax;
    const column = () => new Float32Array(FIRST_ROWS);
    this.#values = {
      ...{ loss: column(), accuracy: column(), learningRate: column() },
      ...{ gradientNorm: column(), imagesPerSecond: column() },
    };
  }

  get length(): number {
    return this.#length;
  }

  /** The newest step; 0 before the first. */
  get lastStep(): number {
    return this.#length === 0 ? 0 : (this.#step[this.#length - 1] as number);
  }

  /** Takes a step. One that was done again replaces all from there on. */
  add(row: StepRow): void {
    if (row.step <= this.lastStep) this.#length = this.rowOf(row.step);
    if (this.#length >= this.#rowsMax) this.#halve();
    if (this.#length === this.#step.length) this.#grow();
    const at = this.#length;
    this.#step[at] = row.step;
    this.#epoch[at] = row.epoch;
    this.#timeMs[at] = row.timeMs;
    for (const value of STEP_VALUES) this.#values[value][at] = row[value];
    this.#length += 1;
  }

  /** The first row whose step is not below `step`. */
  rowOf(step: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#step[middle] as number) < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Steps `from` to `to` in at most `points` buckets. Their borders are multiples of a power of two, so that the buckets
   * of a run that grows stay as they are; `after` leaves out those before the bucket of that number, if `bucket` is right.
   */
  decimate(view: {
    readonly from?: number | undefined;
    readonly to?: number | undefined;
    readonly points: number;
    readonly known?: { readonly bucket: number; readonly after: number } | undefined;
  }): DecimatedSteps {
    const firstRow = view.from === undefined ? 0 : this.rowOf(view.from);
    const endRow = view.to === undefined ? this.#length : this.rowOf(view.to + 1);
    const bucket = bucketFor(endRow - firstRow, view.points);
    const { known } = view;
    const first =
      known?.bucket === bucket
        ? Math.max(Math.floor(firstRow / bucket), known.after)
        : Math.floor(firstRow / bucket);
    const end = Math.ceil(endRow / bucket);
    const bounds: (readonly [number, number])[] = [];
    for (let number = first; number < end; number++) {
      bounds.push([number * bucket, Math.min((number + 1) * bucket, this.#length)]);
    }
    const last = bounds.map(([, to]) => to - 1);
    const buckets = (name: StepValue) => bucketsOf(this.#values[name], bounds);
    return {
      ...{ bucket, first },
      step: last.map((row) => this.#step[row] as number),
      epoch: last.map((row) => this.#epoch[row] as number),
      time: last.map((row) => Math.round(this.#timeMs[row] as number) / 1000),
      values: {
        ...{ loss: buckets('loss'), accuracy: buckets('accuracy') },
        ...{ learningRate: buckets('learningRate'), gradientNorm: buckets('gradientNorm') },
        imagesPerSecond: buckets('imagesPerSecond'),
      },
    };
  }

  #grow(): void {
    const rows = Math.min(2 * this.#length, this.#rowsMax);
    const grown = <Column extends Uint32Array | Float32Array | Float64Array>(
      column: Column,
      larger: Column,
    ) => {
      larger.set(column);
      return larger;
    };
    this.#step = grown(this.#step, new Uint32Array(rows));
    this.#epoch = grown(this.#epoch, new Uint32Array(rows));
    this.#timeMs = grown(this.#timeMs, new Float64Array(rows));
    for (const value of STEP_VALUES) {
      this.#values[value] = grown(this.#values[value], new Float32Array(rows));
    }
  }

  #halve(): void {
    const columns = [this.#step, this.#epoch, this.#timeMs, ...Object.values(this.#values)];
    for (const column of columns) {
      for (let row = 1; row < this.#length; row += 2) column[row >> 1] = column[row] as number;
    }
    this.#length >>= 1;
  }
}

/** The least power of two that cuts `rows` into at most `points` parts. */
function bucketFor(rows: number, points: number): number {
  let bucket = 1;
  while (rows / bucket > points) bucket *= 2;
  return bucket;
}

function bucketsOf(column: Float32Array, bounds: readonly (readonly [number, number])[]): Buckets {
  const found: Buckets = { min: [], max: [], mean: [] };
  for (const [from, to] of bounds) {
    const { min, max, mean } = summaryOf(column, from, to);
    found.min.push(short(min));
    found.max.push(short(max));
    found.mean.push(short(mean));
  }
  return found;
}

/** Of the values that are numbers; NaN where none is. */
function summaryOf(column: Float32Array, from: number, to: number) {
  let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let row = from; row < to; row++) {
    const value = column[row] as number;
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count += 1;
  }
  return { min, max, mean: sum / count };
}

/** As many digits as the values have. */
const short = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null);
