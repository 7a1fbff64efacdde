/** @file How many transfers of one kind each worker has under way: whoever begins them and never ends is bounded. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { TransferKind } from '../workers/sessions.ts';

/** The pushes, or the pulls, of all workers. */
export class Transfers {
  readonly #kind: TransferKind;
  readonly #most: number;
  readonly #tell: (worker: string, kind: TransferKind, isUnderWay: boolean) => void;
  readonly #underWay = new Map<string, number>();

  /** `tell` hears of the first that a worker begins, and of the end of its last. */
  constructor(
    kind: TransferKind,
    most: number,
    tell: (worker: string, kind: TransferKind, isUnderWay: boolean) => void,
  ) {
    this.#kind = kind;
    this.#most = most;
    this.#tell = tell;
  }

  /** Begins one; answers what ends it. Throws  TIMEOUT when the worker has as many as it may. */
  begin(worker: string): () => void {
    const count = this.#underWay.get(worker) ?? 0;
    if (count >= this.#most) {
      throw new TesseraError('TIMEOUT', `worker ${worker} has ${count} ${this.#kind} under way`, {
        hint: 'try again when one of them has ended',
      });
    }
    this.#underWay.set(worker, count + 1);
    if (count === 0) this.#tell(worker, this.#kind, true);
    return () => {
      const left = (this.#underWay.get(worker) ?? 1) - 1;
      if (left > 0) this.#underWay.set(worker, left);
      else {
        this.#underWay.delete(worker);
        this.#tell(worker, this.#kind, false);
      }
    };
  }
}
