/** @file What is worth remembering of a run: engines that took part, samples that nobody could read. */
import type { Logger } from '../shared/host/log.ts';
import type { CoordinatorEvent } from './events.ts';
import type { NodeHeader } from './port.ts';

/** A sample that could not be read, said for the first time. */
interface UnreadableSample {
  readonly name: string;
  readonly reason: string;
}

/** Remembers, and says each thing once. */
export class RunNotes {
  /** Reasons by the samples' names. */
  readonly badSamples = new Map<string, string>();
  /** More than one kind of them keeps promise P1 but not P2. */
  readonly engines: string[] = [];
  readonly #log: Logger;
  readonly #onEvent: (event: CoordinatorEvent) => void;

  constructor(log: Logger, onEvent: (event: CoordinatorEvent) => void) {
    this.#log = log;
    this.#onEvent = onEvent;
  }

  /** An engine takes part. */
  engine(description: string): void {
    // The number of threads changes no bit, the kind of engine does.
    const engine = description.replace(/, threads \d+$/, '');
    if (this.engines.includes(engine)) return;
    this.engines.push(engine);
    if (this.engines.length === 1) return;
    this.#log.warn({ engines: this.engines }, 'engines differ: results are not bit-reproducible');
  }

  /** A node came without some of its samples; answers those that were not known to be bad. */
  unreadable(node: NodeHeader): UnreadableSample[] {
    const split = node.kind === 'train' ? 'train' : 'test';
    return node.badSamples.flatMap(({ index, reason }) => {
      const name = `${split} sample ${index}`;
      if (this.badSamples.has(name)) return [];
      this.badSamples.set(name, reason);
      this.#log.warn({ split, index, reason }, 'unreadable sample');
      this.#onEvent({ type: 'badSample', name, reason });
      return [{ name, reason }];
    });
  }
}
