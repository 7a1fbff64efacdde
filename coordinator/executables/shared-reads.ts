/** @file Files that several callers read at a time are in memory once, for as long as one of them needs them. */

interface Held {
  readonly contents: Promise<Uint8Array>;
  numUsers: number;
}

/** What is read, by name. */
export class SharedReads {
  readonly #read: (name: string) => Promise<Uint8Array>;
  readonly #held = new Map<string, Held>();

  constructor(read: (name: string) => Promise<Uint8Array>) {
    this.#read = read;
  }

  /** The contents, which the caller holds until it calls `end`. Throws  what the read throws. */
  async open(name: string): Promise<{ readonly contents: Uint8Array; end(): void }> {
    const held = this.#held.get(name) ?? { contents: this.#read(name), numUsers: 0 };
    this.#held.set(name, held);
    held.numUsers += 1;
    let hasEnded = false;
    const end = () => {
      if (hasEnded) return;
      hasEnded = true;
      held.numUsers -= 1;
      if (held.numUsers === 0) this.#held.delete(name);
    };
    try {
      return { contents: await held.contents, end };
    } catch (error) {
      end();
      throw error;
    }
  }
}
