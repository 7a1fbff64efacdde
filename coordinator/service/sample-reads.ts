/** @file Samples on their way to workers: read ahead of what is sent, and bounded in bytes for all calls of a worker. */

import { mapAhead, WeighedGate } from '../../shared/core/concurrency.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DataSource, EncodedSample, Split } from '../../shared/data/source.ts';

/** Where samples are read from. */
type SampleSource = Pick<DataSource, 'read' | 'bytes'>;

/** Samples read ahead of the one being sent. */
const READ_AHEAD_SAMPLES = 4;

/** What one worker is being sent. */
interface WorkerReads {
  readonly gate: WeighedGate;
  numCalls: number;
}

/** The reads for all workers. A worker that requests samples and never reads them delays only itself. */
export class SampleReads {
  readonly #source: SampleSource;
  readonly #bytesMax: number;
  readonly #workers = new Map<string, WorkerReads>();

  constructor(source: SampleSource, bytesMax: number) {
    this.#source = source;
    this.#bytesMax = bytesMax;
  }

  /**
   * Reads samples, in the order asked; each counts until the next one is asked for.
   *
   * Throws  DATA_INVALID when one of them cannot be read.
   */
  async *read(
    worker: string,
    split: Split,
    indices: readonly number[],
  ): AsyncGenerator<EncodedSample> {
    const reads = this.#workers.get(worker) ?? {
      gate: new WeighedGate(this.#bytesMax),
      numCalls: 0,
    };
    this.#workers.set(worker, reads);
    reads.numCalls += 1;
    const held = new HeldSamples(this.#source, reads.gate, split);
    try {
      for await (const { sample, leave } of mapAhead(READ_AHEAD_SAMPLES, indices, held.read)) {
        yield sample;
        leave();
      }
    } finally {
      held.leaveAll();
      reads.numCalls -= 1;
      if (reads.numCalls === 0) this.#workers.delete(worker);
    }
  }
}

/** The samples of one call that are in memory, or on their way there. */
class HeldSamples {
  readonly #source: SampleSource;
  readonly #gate: WeighedGate;
  readonly #split: Split;
  readonly #leaves = new Set<() => void>();
  #isOver = false;
  /** They are let in in the order in which they are sent: a later one may not take the room of the one that is due. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: SampleSource, gate: WeighedGate, split: Split) {
    this.#source = source;
    this.#gate = gate;
    this.#split = split;
  }

  readonly read = async (index: number) => {
    const entering = this.#turn.then(() => this.#enter(index));
    this.#turn = entering.catch(() => {});
    const leave = await entering;
    return { sample: await this.#source.read(this.#split, index), leave };
  };

  leaveAll(): void {
    this.#isOver = true;
    for (const leave of this.#leaves) leave();
  }

  async #enter(index: number): Promise<() => void> {
    const leaveGate = await this.#gate.enter(await this.#source.bytes(this.#split, index));
    const leave = () => {
      if (this.#leaves.delete(leave)) leaveGate();
    };
    this.#leaves.add(leave);
    if (!this.#isOver) return leave;
    leave();
    throw new TesseraError('CANCELLED', 'the caller is gone');
  }
}
