/** @file Which checkpoint goes to the mirror next: one at a time, the newest first, what failed again later. Pure. */

/** A checkpoint that is on disk. */
export interface DueCheckpoint {
  readonly step: number;
  readonly folder: string;
}

/** Pause after a failure; it doubles with each in a row, up to the longest. */
const PAUSE_MS = 15_000;
const PAUSE_MAX_MS = 300_000;
/** At the end of a run there is little time. */
const LAST_PAUSE_MS = 1_000;

/** Decides what to copy. A caller asks `next`, copies that, and says how it went. */
export class MirrorQueue {
  #due: DueCheckpoint | undefined;
  #isCopying = false;
  #isClosing = false;
  #isOver = false;
  #failures = 0;
  #notBeforeMs = 0;

  /** A checkpoint was saved: an older one that waits is not worth copying any more. */
  saved(checkpoint: DueCheckpoint): void {
    if (this.#isOver) return;
    this.#due = checkpoint;
    this.#notBeforeMs = 0;
  }

  /** The run is over: what is left is tried soon. */
  closing(): void {
    this.#isClosing = true;
    this.#notBeforeMs = 0;
  }

  /** What to copy now; how long to wait for that; undefined while there is nothing to do. */
  next(nowMs: number): DueCheckpoint | { readonly waitMs: number } | undefined {
    const due = this.#due;
    if (this.#isCopying || due === undefined) return undefined;
    if (nowMs < this.#notBeforeMs) return { waitMs: this.#notBeforeMs - nowMs };
    this.#isCopying = true;
    this.#due = undefined;
    return due;
  }

  /** It is in the mirror. */
  copied(): void {
    this.#isCopying = false;
    this.#failures = 0;
  }

  /**
   * It is not in the mirror. One that may succeed later is tried again unless a newer one has come. Returns whether that is
   * the first failure in a row; undefined where it is none: the run has removed it for a newer one, which is next.
   */
  failed(
    checkpoint: DueCheckpoint,
    { mayPass, isThere }: { readonly mayPass: boolean; readonly isThere: boolean },
    nowMs: number,
  ): boolean | undefined {
    this.#isCopying = false;
    if (!mayPass && !isThere && this.#due !== undefined) return undefined;
    this.#failures += 1;
    if (mayPass && isThere) {
      const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (this.#failures - 1));
      this.#due ??= checkpoint;
      this.#notBeforeMs = nowMs + (this.#isClosing ? LAST_PAUSE_MS : pauseMs);
    }
    return this.#failures === 1;
  }

  /** Nothing more is copied: the place is another run's. */
  end(): void {
    this.#isOver = true;
    this.#isCopying = false;
    this.#due = undefined;
  }

  /** Whether nothing is being copied or waits for it. */
  get isEmpty(): boolean {
    return !this.#isCopying && this.#due === undefined;
  }
}
