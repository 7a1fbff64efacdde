/** @file What bounds work that is under way together: by its weight, or by its number. */

/** Lets work begin, in the order of asking, while all that is under way weighs at most the limit. */
export class WeighedGate {
  readonly #limit: number;
  readonly #waiting: { readonly weight: number; begin(): void }[] = [];
  #underWay = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Does `work` when there is room for it; what alone weighs more than the limit is done alone. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(weight);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Waits for room; whoever was let in calls what it is answered, once, when its work is over. */
  async enter(weight: number): Promise<() => void> {
    // More than the limit counts as the limit, or it would wait for ever.
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

  /** Nobody overtakes: what is heavy would wait for ever behind what is light. */
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
 * Throws  what the first to fail throws; nothing more is begun then.
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
 * Does `work` for each item in order, for at most `ahead` of them before their result is asked for.
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
      // A failure is told when its turn comes.
      result.catch(() => {});
      queue.push(result);
      next += 1;
    }
    yield await (queue.shift() as Promise<R>);
  }
}
