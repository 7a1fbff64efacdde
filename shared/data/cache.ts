/** @file A least-recently-used cache, bounded by bytes. */

/** Least-recently-used cache of values whose sizes add up to at most `limitBytes`. */
export class ByteCache<V> {
  readonly #limitBytes: number;
  // A Map iterates in the order of insertion, so its first entry is the one unused for longest.
  readonly #entries = new Map<string, { readonly value: V; readonly sizeBytes: number }>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes of all values kept. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes that can be added before older values go. */
  get freeBytes(): number {
    return this.#limitBytes - this.#usedBytes;
  }

  /** Whether `key` is cached; does not count as a use. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The value of `key`, which becomes the most recently used. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Caches `value` and evicts older ones; a value larger than the whole cache is not cached. */
  set(key: string, value: V, sizeBytes: number): void {
    this.#remove(key);
    if (sizeBytes > this.#limitBytes) return;
    for (const oldest of this.#entries.keys()) {
      if (this.#usedBytes + sizeBytes <= this.#limitBytes) break;
      this.#remove(oldest);
    }
    this.#entries.set(key, { value, sizeBytes });
    this.#usedBytes += sizeBytes;
  }

  #remove(key: string): void {
    this.#usedBytes -= this.#entries.get(key)?.sizeBytes ?? 0;
    this.#entries.delete(key);
  }
}
