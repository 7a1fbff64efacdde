/** @file That a run which stands still says so, and names who holds what. */

import type { RunStatus } from '../../shared/contract/status.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { check } from './violation.ts';

/** Something is done then, or of another kind from then on. */
const MOVES: ReadonlySet<RunEvent['type']> = new Set([
  'step',
  'evaluation',
  'checkpoint',
  'checkpointFailed',
  'bestGone',
]);

/** Watches the coordinators of one world, one after the other. */
export class Movement {
  readonly #stallMs: number;
  /** Time that the coordinator has had since it moved last, naps left out. */
  #quietMs = 0;
  #longestMs = 0;
  #isSaid = false;

  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  /** A coordinator begins. */
  begin(): void {
    this.#quietMs = 0;
    this.#longestMs = 0;
    this.#isSaid = false;
  }

  /** It has had so much time. */
  ticked(tickMs: number, status: () => RunStatus): void {
    this.#quietMs += tickMs;
    // Steps that take long by nature are given thrice their time.
    if (this.#isSaid || this.#quietMs <= 2 * this.#stallMs + 4 * this.#longestMs) return;
    const { phase, reason } = status();
    check(phase === 'done' || phase === 'failed', `that nothing moves is said (${reason})`);
  }

  /** It says what happened. */
  heard(event: RunEvent, status: () => RunStatus): void {
    if (event.type === 'stall') this.#said(event.sentence, status());
    const isJudging = event.type === 'phase' && event.phase === 'evaluating';
    if (!MOVES.has(event.type) && !isJudging) return;
    this.#longestMs = Math.max(this.#longestMs, this.#quietMs);
    this.#quietMs = 0;
    this.#isSaid = false;
  }

  #said(sentence: string, { workers, stall }: RunStatus): void {
    this.#isSaid = true;
    check(stall === sentence, 'a status says what was said of the stall');
    for (const { worker, state } of workers) {
      const isNamed = state !== 'computing' || sentence.includes(`${worker} holds `);
      check(isNamed, `who holds leaves is named: ${worker} in "${sentence}"`);
    }
  }
}
