/** @file Bounds on concurrent work: by its weight, or by its number. */

/** Starts work in the order of the requests while all running work weighs at most the limit. */
export class WeighedGate {
  readonly #limit: number;
  readonly #waiting: { readonly weight: number; begin(): void }[] = [];
  #underWay = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs `work` when there is room for it; work that weighs more than the limit runs alone. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(weight);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for room. The caller calls the returned function once, when its work is done. */
  async enter(weight: number): Promise<() => void> {
    // More than the limit counts as the limit, or it would wait forever.
    const share = Math.min(weight, this.#limit);
    await new Promise<void>((begin) => {
      this.#waiting.push({ weight: share, begin });
      this.#admit();
    });
    return () => {
      this.#underWay -= share;
      this.#admit();
    };
  }

  /** Strictly first in, first out: otherwise heavy work would wait forever behind light work. */
  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#underWay + next.weight > this.#limit) return;
      this.#waiting.shift();
      this.#underWay += next.weight;
      next.begin();
    }
  }
}

/**
 * Does `work` for each item, at most `most` at once; the results have the items' order.
 *
 * Throws  the error of the first item that fails; no more items are started then.
 */
export async function mapAtMost<T, R>(
  most: number,
  items: readonly T[],
  work: (item: T, place: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const doRest = async () => {
    for (let place = next++; place < items.length; place = next++) {
      results[place] = await work(items[place] as T, place);
    }
  };
  const doers = Array.from({ length: Math.min(most, items.length) }, () =>
    doRest().catch((error: unknown) => {
      next = items.length;
      throw error;
    }),
  );
  await Promise.all(doers);
  return results;
}

/**
 * Does `work` for each item in order, for at most `ahead` of them before their result is requested.
 *
 * Throws  what an item's work throws, when its turn comes.
 */
export async function* mapAhead<T, R>(
  ahead: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const queue: Promise<R>[] = [];
  for (let next = 0; next < items.length || queue.length > 0; ) {
    while (queue.length <= ahead && next < items.length) {
      const result = work(items[next] as T);
      // A failure is reported when its turn comes.
      result.catch(() => {});
      queue.push(result);
      next += 1;
    }
    yield await (queue.shift() as Promise<R>);
  }
}
