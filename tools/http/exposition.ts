/** @file Figures in the text format of Prometheus. Pure. Source  its "Exposition formats", version 0.0.4. */

/** Counts of values up to each of some bounds. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
    for (const [at, bound] of this.#bounds.entries()) {
      if (value <= bound) this.#counts[at] = (this.#counts[at] as number) + 1;
    }
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, at) => `${name}_bucket{le="${bound}"} ${this.#counts[at]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

/** The media type of the text. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The lines of one metric, with its type and its help. */
export function family(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  lines: readonly string[],
): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** A metric with one value. */
export function gauge(name: string, help: string, value: number): string[] {
  return family(name, 'gauge', help, [`${name} ${value}`]);
}

/** A histogram with its buckets. */
export function histogram(name: string, help: string, of: Histogram): string[] {
  return family(name, 'histogram', help, of.lines(name));
}
