/** @file Evaluations of versions: what they come to, and the older version that the end is tested with. */
import { TesseraError } from '../../shared/core/errors.ts';
import { SPLIT_WORDS, type Split, splitOf } from '../../shared/core/work.ts';
import type { Logger } from '../../shared/machine/log.ts';
import type { Checkpointer } from '../../shared/runs/checkpoint/checkpointer.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import type { Evaluated } from '../core/messages.ts';
import type { ParameterStore } from './parameters.ts';
import type { RunProgress } from './progress.ts';

/** What evaluations work with. */
export interface EvaluationParts {
  readonly checkpointer: Checkpointer;
  readonly progress: RunProgress;
  readonly store: ParameterStore;
  readonly log: Logger;
  readonly onEvent: (event: RunEvent) => void;
}

/** A version that workers can pull. */
type Version = Pick<ParameterStore, 'version' | 'parameters' | 'average'>;

/** The evaluations of one run. */
export class Evaluations {
  readonly #parts: EvaluationParts;
  #restored: Version | undefined;

  constructor(parts: EvaluationParts) {
    this.#parts = parts;
  }

  /** A version that is there: the newest, or the one that was restored. */
  find(version: number): Version | undefined {
    const { store } = this.#parts;
    if (version === store.version) return store;
    return version === this.#restored?.version ? this.#restored : undefined;
  }

  /** Notes what an evaluation came to. Throws  DATA_INVALID when not one of its images could be read. */
  report(evaluated: Evaluated): void {
    const { progress, onEvent, log } = this.#parts;
    const { kind, newest, totals } = evaluated;
    const split = splitOf(kind);
    if (totals.samples === 0) throw nothingReadable(split);
    const report = progress.evaluated(evaluated);
    log.info({ split, ...report }, 'evaluated');
    onEvent({ type: 'evaluation', split, ...report, atStep: newest });
  }

  /** Reads a version from its checkpoint; returns whether it exists. */
  async restore(version: number): Promise<boolean> {
    const { checkpointer, store, onEvent, log } = this.#parts;
    try {
      const { parameters, average } = await checkpointer.read(version, store);
      // Where lanes send from; a run restores one version, for its end.
      const { vectors } = store.reducers;
      const shared = vectors.adopt(parameters);
      this.#restored = { version, parameters: shared, average: average && vectors.adopt(average) };
      return true;
    } catch (error) {
      // The newest version can still be tested, and that is said.
      const { sentence: reason } = TesseraError.from(error);
      log.debug({ err: error, version }, 'the best version cannot be restored');
      onEvent({ type: 'bestGone', version, reason });
      return false;
    }
  }
}

/** A run may continue without some images, not without all of them. */
export function nothingReadable(split: Split): TesseraError {
  return new TesseraError(
    'DATA_INVALID',
    `not one of the ${SPLIT_WORDS[split]} images can be read`,
    {
      hint: 'the log names the images and says what is wrong with each',
    },
  );
}
