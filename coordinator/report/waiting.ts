/** @file Which worker the others wait for, as a sentence: "step 812 waits for w3 on host b: 4 leaves, 2.1 s late". Pure. */
import { median } from '../../shared/core/numbers.ts';
import { oneLine } from '../../shared/core/text.ts';
import { formatSeconds } from '../../shared/core/units.ts';

/** Rounds whose durations are the usual ones. */
const ROUNDS = 20;
/** A round that is late by less is not worth a word. */
const LATE_MS = 500;
/** The same, as a part of what is usual. */
const LATE_SHARE = 0.5;
const NAMED_MAX = 3;

/** A worker that holds leaves of the open round. */
export interface Holder {
  readonly worker: string;
  readonly host: string;
  readonly numLeaves: number;
}

/** When rounds began and how long they usually take. */
export class RoundClock {
  #round = '';
  #sinceMs = 0;
  readonly #durations: number[] = [];

  /** A round was handed out, or a part of it; further parts change nothing. */
  began(round: string, nowMs: number): void {
    if (round === this.#round) return;
    this.#round = round;
    this.#sinceMs = nowMs;
  }

  /** The open round is complete. */
  ended(nowMs: number): void {
    if (this.#round === '') return;
    this.#durations.push(nowMs - this.#sinceMs);
    if (this.#durations.length > ROUNDS) this.#durations.shift();
  }

  /** Time beyond the usual for which the open round lasts; 0 while nothing is known of what is usual. */
  lateMs(nowMs: number): number {
    const usualMs = median(this.#durations);
    const lateMs = nowMs - this.#sinceMs - usualMs;
    return lateMs > Math.max(LATE_MS, usualMs * LATE_SHARE) ? lateMs : 0;
  }
}

/** Who is waited for; '' where nothing is late, or no worker holds anything. */
export function waitingText(what: string, lateMs: number, holders: readonly Holder[]): string {
  if (lateMs === 0 || holders.length === 0) return '';
  const most = [...holders].sort((a, b) => b.numLeaves - a.numLeaves);
  const named = most
    .slice(0, NAMED_MAX)
    .map(({ worker, host, numLeaves }) => `${worker} on ${host}: ${leavesText(numLeaves)}`);
  const more = holders.length > NAMED_MAX ? `; and ${holders.length - NAMED_MAX} more workers` : '';
  return oneLine(`${what} waits for ${named.join('; ')}${more}, ${formatSeconds(lateMs)} late`);
}

const leavesText = (count: number) => `${count} ${count === 1 ? 'leaf' : 'leaves'}`;
