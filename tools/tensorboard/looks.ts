/** @file Looks at checkpoints while a run trains: one at a time, the newest one, within a budget. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { Look, LookJob } from '../look/job.ts';
import type { LookBudget } from './look-budget.ts';

/** What looks are made with. */
export interface LooksOptions {
  readonly budget: LookBudget;
  /** `isLast`: the run has ended, and nothing trains any more. */
  begin(job: LookJob, isLast: boolean): Look;
  /** Whether the checkpoint is still there: a run keeps few of them. */
  isThere(folder: string): boolean;
  found(records: Uint8Array): void;
  /** A look failed, or could not show all. */
  fault(error: TesseraError): void;
  runSeconds(): number;
}

/** Chooses which checkpoints are looked at. */
export class Looks {
  readonly #options: LooksOptions;
  #newest: LookJob | undefined;
  #begun: LookJob | undefined;
  /** The look that is under way is not wanted any more. */
  #isDropped = false;
  #current:
    | { readonly look: Look; readonly job: LookJob; readonly ended: Promise<void> }
    | undefined;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** There is a new checkpoint. */
  saved(job: LookJob): void {
    this.#newest = job;
    const { budget, runSeconds } = this.#options;
    if (this.#current === undefined && budget.allows(runSeconds())) void this.#begin(job, false);
  }

  /** The run has ended; where it ended well, the last checkpoint is looked at. Resolves when no look is under way. */
  async close(isWell: boolean): Promise<void> {
    const last = this.#newest;
    if (this.#current !== undefined && !(isWell && this.#current.job === last)) {
      this.#isDropped = true;
      this.#current.look.end();
    }
    await this.#current?.ended;
    this.#isDropped = false;
    if (!isWell || last === undefined || this.#begun === last) return;
    await this.#begin(last, true);
  }

  /** Ends what is under way. */
  end(): void {
    this.#current?.look.end();
  }

  #begin(job: LookJob, isLast: boolean): Promise<void> {
    this.#begun = job;
    const look = this.#options.begin(job, isLast);
    const ended = this.#take(look, job);
    this.#current = { look, job, ended };
    return ended;
  }

  async #take({ found }: Look, job: LookJob): Promise<void> {
    const { budget, isThere, fault } = this.#options;
    try {
      const { records, coreSeconds, lacks } = await found;
      budget.spend(coreSeconds);
      this.#options.found(records);
      const [lack] = lacks;
      if (lack !== undefined) fault(new TesseraError('DATA_INVALID', lack));
    } catch (error) {
      budget.fail();
      if (!this.#isDropped && isThere(job.folder)) fault(TesseraError.from(error));
    } finally {
      this.#current = undefined;
    }
  }
}
