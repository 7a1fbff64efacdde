/** @file Records for warnings about a run: engines that took part, unreadable samples. */
import type { NodeHeader } from '../../shared/contract/messages.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { forEachSplit, splitOf } from '../../shared/core/work.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { Logger } from '../../shared/machine/log.ts';
import { engineOn, type RunEvent } from '../../shared/runs/events.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';
import { nothingReadable } from '../step/evaluations.ts';

/** A sample that could not be read, said for the first time. */
interface UnreadableSample {
  readonly name: string;
  readonly reason: string;
}

/** Kinds of engines that are remembered: what a worker calls its engine is its own word. */
const ENGINES_MAX = 16;
/** Unreadable samples that the log and metrics.jsonl name; a data set full of them is counted beyond that. */
const NAMED_MAX = 1000;

/** Remembers, and says each thing once. */
export class RunWarnings {
  /** Samples that could not be read, by their split. */
  readonly #unreadable = forEachSplit(() => new Set<number>());
  /** More than one kind of them keeps promise P1 but not P2. */
  readonly engines: string[] = [];
  /** The same, each with the processor that it computes on. */
  readonly #kinds: string[] = [];
  /** Steps none of whose samples could be read, so far. */
  emptySteps = 0;
  readonly #log: Logger;
  readonly #onEvent: (event: RunEvent) => void;

  constructor(log: Logger, onEvent: (event: RunEvent) => void) {
    this.#log = log;
    this.#onEvent = onEvent;
  }

  /** Samples that could not be read, so far. */
  get numUnreadable(): number {
    const { train, validation, test } = this.#unreadable;
    return train.size + validation.size + test.size;
  }

  /** An engine takes part, on the processor of its machine unless it has devices of its own. */
  engine(id: string, processor = ''): void {
    const kind = engineOn(id, processor);
    if (this.#kinds.includes(kind) || this.#kinds.length === ENGINES_MAX) return;
    this.#kinds.push(kind);
    if (!this.engines.includes(id)) this.engines.push(id);
    if (this.#kinds.length === 1) return;
    const what = this.engines.length > 1 ? 'engines differ' : 'processors differ';
    this.#log.warn({ engines: this.#kinds }, `${what}: results are not bit-reproducible`);
  }

  /** Records the unreadable samples of a node; returns the error that ends the run, if there is one. */
  faultIn(
    node: NodeHeader,
    { identity, source }: { readonly identity: RunIdentity; readonly source: DataSource },
  ): TesseraError | undefined {
    const [first] = this.unreadable(node);
    if (first === undefined) return undefined;
    if (identity.config.data.onBadImage === 'fail') {
      const hint = 'fix or remove the file, or set data.onBadImage: skip';
      const sentence = `${first.name} is unreadable: ${first.reason}`;
      return new TesseraError('DATA_INVALID', sentence, { hint });
    }
    const isNoneLeft = this.#unreadable.train.size === source.size.train;
    return isNoneLeft ? nothingReadable('train') : undefined;
  }

  /** A node came without some of its samples; returns those that were not known to be bad. */
  unreadable(node: NodeHeader): UnreadableSample[] {
    const split = splitOf(node.kind);
    const known = this.#unreadable[split];
    return node.badSamples.flatMap(({ index, reason }) => {
      if (known.has(index)) return [];
      known.add(index);
      const sample = { name: `${split} sample ${index}`, reason };
      if (this.numUnreadable <= NAMED_MAX) this.#name(sample);
      return [sample];
    });
  }

  /** Nothing of a step could be read. */
  emptyStep(step: number): void {
    this.emptySteps += 1;
    if (this.emptySteps > 1) return;
    // The event reports it to users.
    this.#log.info({ step }, 'no sample of a step can be read');
    this.#onEvent({ type: 'emptyStep', step });
  }

  #name(sample: UnreadableSample): void {
    // The event reports it to users.
    this.#log.info(sample, 'unreadable sample');
    this.#onEvent({ type: 'badSample', ...sample });
    if (this.numUnreadable === NAMED_MAX) {
      this.#log.warn({ named: NAMED_MAX }, 'further unreadable samples are counted, not named');
    }
  }
}
