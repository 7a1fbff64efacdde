/** @file The only source of chance in a simulated world: seeded, and drawn in the order of its events. */
import { randomUnit } from '../../shared/core/random.ts';

/** Random numbers of one world. */
export class Dice {
  readonly #seed: number;
  #draws = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    this.#draws += 1;
    return low + (high - low) * randomUnit(this.#seed, 'faults', this.#draws);
  }

  /** An integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.between(0, 1) < probability;
  }
}
