/**
 * @file Ranges of a vector, each on a lane: how it is cut, and what has become of the whole as its ranges come in. Pure.
 *
 * A transfer is whole once the ranges that came have all its values. It is broken, for all of its calls, once a call has
 * ended before its range was there: who has brought the others brings them again, under another number.
 */
import type { VectorRange } from '../../../contract/messages.ts';
import { TesseraError } from '../../../core/errors.ts';

/** Values that a range is a multiple of: no two write one line of a cache. */
const MULTIPLE = 16;

/** Ranges of equal length of a vector, for so many lanes at most. */
export function cutRanges(transfer: number, total: number, lanes: number): VectorRange[] {
  const length = Math.ceil(total / lanes / MULTIPLE) * MULTIPLE;
  const ranges: VectorRange[] = [];
  for (let first = 0; first < total; first += length) {
    ranges.push({ transfer, first, count: Math.min(length, total - first), total });
  }
  return ranges;
}

/** The calls of one transfer. */
export class RangedTransfer {
  readonly #total: number;
  /** Calls under way whose range is not there. */
  readonly #coming = new Map<string, VectorRange>();
  /** Calls under way whose range is there. */
  readonly #waiting = new Set<string>();
  /** Those that were begun; no two overlap. */
  readonly #ranges: VectorRange[] = [];
  #missing: number;
  #fault: TesseraError | undefined;

  constructor(total: number) {
    this.#total = total;
    this.#missing = total;
  }

  /** Whether no call is under way. */
  get isOver(): boolean {
    return this.#coming.size === 0 && this.#waiting.size === 0;
  }

  /** Why it cannot become whole any more. */
  get fault(): TesseraError | undefined {
    return this.#fault;
  }

  /**
   * Takes a call in.
   *
   * Throws  CHUNK_CORRUPT for a vector of another length; MESSAGE_INVALID for a range that overlaps another; the fault.
   */
  begin(call: string, range: VectorRange): void {
    if (this.#fault !== undefined) throw this.#fault;
    const { first, count, total } = range;
    if (total !== this.#total) {
      const sentence = `a range of a vector of ${total} values, ${this.#total} are expected`;
      throw new TesseraError('CHUNK_CORRUPT', sentence);
    }
    const overlaps = this.#ranges.some(
      (other) => first < other.first + other.count && other.first < first + count,
    );
    if (overlaps) {
      const sentence = `a range of ${count} values from value ${first} on: some of them belong to another range`;
      throw new TesseraError('MESSAGE_INVALID', sentence);
    }
    this.#ranges.push(range);
    this.#coming.set(call, range);
  }

  /** A call has its range; returns whether the vector is whole by that. Throws  the fault. */
  arrived(call: string): boolean {
    if (this.#fault !== undefined) throw this.#fault;
    const range = this.#coming.get(call);
    if (range === undefined) return false;
    this.#coming.delete(call);
    this.#waiting.add(call);
    this.#missing -= range.count;
    return this.#missing === 0;
  }

  /** A call is over. One whose range was not there is the fault of all the others. */
  end(call: string, error: TesseraError): void {
    this.#waiting.delete(call);
    if (this.#coming.delete(call)) this.#fault ??= error;
  }
}
