/** @file What of a run a person who is not there wants to know: `(event, now) -> notices`. Pure. */
import { isPlausible } from '../../core/divergence.ts';
import { formatSpan } from '../../core/units.ts';
import type { TimedEvent } from '../events.ts';

/** What a notice is about. */
type NoticeKind = 'ended' | 'failed' | 'best' | 'quiet' | 'alarm';

/** One thing that a person is notified of. */
export interface Notice {
  readonly kind: NoticeKind;
  /** Of a `quiet` or an `alarm`: whether it begins or is over. */
  readonly state: 'raised' | 'over' | undefined;
  readonly sentence: string;
  readonly time: string;
  readonly step: number;
  readonly epoch: number;
}

/** A model that learns has a new best at each evaluation: notices of it are at least so far apart. */
const BEST_PAUSE_MS = 10 * 60_000;

type EventOf<Type extends TimedEvent['type']> = Extract<TimedEvent, { type: Type }>;

/** Finds what is worth a notice. */
export class Notices {
  readonly #quietMs: number;
  #step = 0;
  #epoch = 0;
  #time = '';
  /** When a step, an evaluation or a checkpoint was last completed. */
  #movedMs: number | undefined;
  #isQuiet = false;
  #hasMoved = false;
  /** Why nothing moves, as the run has said it. */
  #stall = '';
  #split: string | undefined;
  #best = Number.NaN;
  #bestMs = Number.NEGATIVE_INFINITY;

  /** `quietMs` without a step are worth a notice; 0: never. */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** Takes what happened. */
  take(event: TimedEvent, nowMs: number): readonly Notice[] {
    this.#time = event.time;
    switch (event.type) {
      case 'data':
        this.#movedMs = nowMs;
        return [];
      case 'step':
        [this.#step, this.#epoch] = [event.step, event.epoch];
        return this.#moved(nowMs);
      case 'evaluation':
        return [...this.#moved(nowMs), ...this.#judged(event, nowMs)];
      case 'checkpoint':
        return this.#moved(nowMs);
      case 'stall':
        this.#stall = event.sentence;
        return [];
      case 'alarm':
        return [this.#notice('alarm', event.sentence, event.state)];
      case 'ended':
        // One that was done already has nothing to say.
        return event.how === 'done' && !this.#hasMoved ? [] : [this.#ended(event)];
      default:
        return [];
    }
  }

  /** Lets time pass: nothing may have happened for too long. */
  tick(nowMs: number, time: string): readonly Notice[] {
    if (this.#quietMs === 0 || this.#movedMs === undefined || this.#isQuiet) return [];
    const quietMs = nowMs - this.#movedMs;
    if (quietMs < this.#quietMs) return [];
    this.#isQuiet = true;
    this.#time = time;
    const why = this.#stall === '' ? '' : `: ${this.#stall}`;
    return [this.#notice('quiet', `no step was made for ${formatSpan(quietMs)}${why}`, 'raised')];
  }

  #moved(nowMs: number): readonly Notice[] {
    const quietMs = nowMs - (this.#movedMs ?? nowMs);
    this.#movedMs = nowMs;
    this.#hasMoved = true;
    this.#stall = '';
    if (!this.#isQuiet) return [];
    this.#isQuiet = false;
    return [this.#notice('quiet', `the run moves again, after ${formatSpan(quietMs)}`, 'over')];
  }

  #judged(event: EventOf<'evaluation'>, nowMs: number): readonly Notice[] {
    const { split, accuracy, loss, version, atStep } = event;
    this.#split ??= split;
    if (split !== this.#split || version !== atStep || !isPlausible(event)) return [];
    const isFirst = Number.isNaN(this.#best);
    if (!isFirst && accuracy <= this.#best) return [];
    this.#best = accuracy;
    if (isFirst || nowMs - this.#bestMs < BEST_PAUSE_MS) return [];
    this.#bestMs = nowMs;
    const share = `${(100 * accuracy).toFixed(1)} %`;
    const sentence = `new best: ${share} of the ${split} images, loss ${loss.toFixed(4)}, after step ${version}`;
    return [this.#notice('best', sentence)];
  }

  #ended({ how, reason, code, exit }: EventOf<'ended'>): Notice {
    this.#movedMs = undefined;
    if (how === 'failed')
      return this.#notice('failed', `failed: ${reason} [${code}, exit ${exit}]`);
    const best = Number.isNaN(this.#best) ? '' : `; best ${(100 * this.#best).toFixed(1)} %`;
    return this.#notice('ended', `${how}: ${reason}${how === 'done' ? best : ''}`);
  }

  #notice(kind: NoticeKind, sentence: string, state?: 'raised' | 'over'): Notice {
    return { kind, state, sentence, time: this.#time, step: this.#step, epoch: this.#epoch };
  }
}
