/** @file A look at a checkpoint: what is asked for, and what comes of it. */

/** A checkpoint to look at. */
export interface LookJob {
  readonly folder: string;
  readonly step: number;
}

/** A look that has begun. */
export interface Look {
  /** What it found. Rejects when it failed, or was ended. */
  readonly found: Promise<LookFound>;
  end(): void;
}

/** What a look found. */
export interface LookFound {
  /** Of the form that its reader knows. */
  readonly records: Uint8Array;
  readonly coreSeconds: number;
  /** What could not be shown, a sentence each. */
  readonly lacks: readonly string[];
}

/** Takes what a look finds. */
export interface LookTaker {
  /** Whole records. */
  send(records: Uint8Array): void;
  /** Something cannot be shown. */
  lack(sentence: string): void;
}
