/** @file The only source of chance in a simulated world: seeded, and drawn in the order of its events. */
import { randomUnit } from '../../shared/core/random.ts';

/** Random numbers of one world. */
export class Dice {
  readonly #seed: number;
  readonly #kind: readonly number[];
  #engine: Dice | undefined;
  #line: Dice | undefined;
  #data: Dice | undefined;
  #ailment: Dice | undefined;
  #lock: Dice | undefined;
  #slots: Dice | undefined;
  #executables: Dice | undefined;
  #exchange: Dice | undefined;
  #draws = 0;

  constructor(seed: number, ...kind: readonly number[]) {
    this.#seed = seed;
    this.#kind = kind;
  }

  /** Dice of their own for engines that break, which were thought of later: worlds without them stay as they were. */
  get engine(): Dice {
    // 7: with it the worlds of ONCE_BROKEN have none.
    this.#engine ??= new Dice(this.#seed, 7);
    return this.#engine;
  }

  /** Likewise for connections that die in silence. */
  get line(): Dice {
    this.#line ??= new Dice(this.#seed, 8);
    return this.#line;
  }

  /** Likewise for the data of the run: what of it cannot be read. */
  get data(): Dice {
    this.#data ??= new Dice(this.#seed, 9);
    return this.#data;
  }

  /** Likewise for what is wrong with the run itself. */
  get ailment(): Dice {
    // 11: with it the worlds of ONCE_BROKEN are well.
    this.#ailment ??= new Dice(this.#seed, 11);
    return this.#ailment;
  }

  /** Likewise for strangers who meddle with the run and its lock. */
  get lock(): Dice {
    // 21: with it the worlds of ONCE_BROKEN have none.
    this.#lock ??= new Dice(this.#seed, 21);
    return this.#lock;
  }

  /** Likewise for the devices of workers. */
  get slots(): Dice {
    this.#slots ??= new Dice(this.#seed, 22);
    return this.#slots;
  }

  /** Likewise for executables that workers share. */
  get executables(): Dice {
    // 23: with it the worlds of ONCE_BROKEN have none.
    this.#executables ??= new Dice(this.#seed, 23);
    return this.#executables;
  }

  /** Likewise for what vectors are rounded to. */
  get exchange(): Dice {
    // 27: with it the worlds of ONCE_BROKEN have float32.
    this.#exchange ??= new Dice(this.#seed, 27);
    return this.#exchange;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    this.#draws += 1;
    return low + (high - low) * randomUnit(this.#seed, 'faults', this.#draws, ...this.#kind);
  }

  /** An integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.between(0, 1) < probability;
  }
}
