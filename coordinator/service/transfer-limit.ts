/** @file Limits the concurrent transfers of one kind for each worker, since a worker may start them and never end. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { TransferKind } from '../workers/sessions.ts';

/** The pushes, or the pulls, of all workers. */
export class Transfers {
  readonly #kind: TransferKind;
  readonly #most: number;
  readonly #report: (worker: string, kind: TransferKind, isUnderWay: boolean) => void;
  readonly #underWay = new Map<string, number>();

  /** `report` is called when a worker starts its first one, and when its last one ends. */
  constructor(
    kind: TransferKind,
    most: number,
    report: (worker: string, kind: TransferKind, isUnderWay: boolean) => void,
  ) {
    this.#kind = kind;
    this.#most = most;
    this.#report = report;
  }

  /** Starts one; returns the function that ends it. Throws  TIMEOUT when the worker has reached the limit. */
  begin(worker: string): () => void {
    const count = this.#underWay.get(worker) ?? 0;
    if (count >= this.#most) {
      throw new TesseraError('TIMEOUT', `worker ${worker} has ${count} ${this.#kind} under way`, {
        hint: 'try again when one of them has ended',
      });
    }
    this.#underWay.set(worker, count + 1);
    if (count === 0) this.#report(worker, this.#kind, true);
    return () => {
      const left = (this.#underWay.get(worker) ?? 1) - 1;
      if (left > 0) this.#underWay.set(worker, left);
      else {
        this.#underWay.delete(worker);
        this.#report(worker, this.#kind, false);
      }
    };
  }
}
