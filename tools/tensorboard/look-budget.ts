/** @file When a checkpoint is looked at: as often as a small share of the machine's time allows. Pure. */

/** Of the time of all cores, while the run trains. */
const SHARE = 0.01;
/** What the first look is taken to cost. Units  seconds of a core. */
const FIRST_GUESS = 4;

/** Counts what looks cost. */
export class LookBudget {
  readonly #cores: number;
  #spent = 0;
  #last = FIRST_GUESS;

  constructor(cores: number) {
    this.#cores = cores;
  }

  /** Whether a look stays within the share of a run that has lasted for so long. */
  allows(runSeconds: number): boolean {
    return this.#spent + this.#last <= SHARE * this.#cores * runSeconds;
  }

  /** A look has cost so much. Units  seconds of a core. */
  spend(coreSeconds: number): void {
    this.#spent += coreSeconds;
    this.#last = coreSeconds;
  }

  /** A look came to nothing: the next one waits for longer. */
  fail(): void {
    this.#spent += this.#last;
    this.#last *= 2;
  }
}
