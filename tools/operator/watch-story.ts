/** @file The messages of successive polls of a run: it runs, ends, does not respond, is gone, is back. Pure. */
import type { RunStatus } from '../../shared/contract/status.ts';
import { ERROR_CODES, isErrorCode, TesseraError } from '../../shared/core/errors.ts';
import { formatDuration } from '../../shared/core/units.ts';

/** What one look at a run has found. */
export type Look =
  | { readonly type: 'status'; readonly status: RunStatus }
  /** Its coordinator is not at its address any more. */
  | { readonly type: 'gone' }
  /** Its coordinator does not answer in time; `pid` where its process is known to live. */
  | { readonly type: 'silent'; readonly pid?: number | undefined };

/** What is to be shown of it. */
export type Scene =
  | { readonly status: RunStatus; readonly outage?: undefined }
  /** The last status, and what is the matter since; `isNews` at the first look that finds it. */
  | { readonly status: RunStatus; readonly outage: Outage; readonly isNews: boolean };

/** What prevents a coordinator from replying. */
export interface Outage {
  readonly phase: 'gone' | 'silent';
  readonly sentence: string;
}

/** The messages about a run that was reached once. */
export class WatchStory {
  readonly #address: string;
  readonly #patienceMs: number;
  #last: RunStatus;
  #repliedMs: number;
  #outage: Outage['phase'] | undefined;

  constructor(
    first: RunStatus,
    settings: { readonly address: string; readonly patienceMs: number; readonly nowMs: number },
  ) {
    this.#last = first;
    this.#address = settings.address;
    this.#patienceMs = settings.patienceMs;
    this.#repliedMs = settings.nowMs;
  }

  /**
   * Takes the next look.
   *
   * Throws  COORDINATOR_UNREACHABLE when its coordinator has not replied within the retry budget; `wayOn` is the hint.
   */
  next(look: Look, nowMs: number, wayOn: string): Scene {
    if (look.type === 'status') {
      this.#last = look.status;
      this.#repliedMs = nowMs;
      this.#outage = undefined;
      return { status: look.status };
    }
    const what = this.#wordsOf(look, nowMs);
    const leftMs = this.#repliedMs + this.#patienceMs - nowMs;
    if (leftMs <= 0) throw new TesseraError('COORDINATOR_UNREACHABLE', what, { hint: wayOn });
    const isNews = this.#outage !== look.type;
    this.#outage = look.type;
    const sentence = `${what}; retrying for ${duration(leftMs)}`;
    return { status: this.#last, outage: { phase: look.type, sentence }, isNews };
  }

  #wordsOf(look: Exclude<Look, { type: 'status' }>, nowMs: number): string {
    const { step } = this.#last;
    const passed = duration(nowMs - this.#repliedMs);
    const who = `the coordinator at ${this.#address}`;
    if (look.type === 'gone')
      return `${who} is gone without a record since step ${step}, ${passed} ago`;
    const where = look.pid === undefined ? '' : `; its process ${look.pid} is there`;
    return `${who} does not answer since ${passed}, at step ${step}${where}`;
  }
}

/** The exit code of a command that watched a run to its end: the run's own. Undefined during the run. */
export function exitCodeAfter({ phase, code }: { readonly phase: string; readonly code: string }) {
  if (phase === 'done') return 0;
  if (phase !== 'failed') return undefined;
  // Coordinators of earlier versions sent no code.
  return isErrorCode(code) ? ERROR_CODES[code].exit : 1;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return seconds < 100 ? `${seconds} s` : formatDuration(seconds);
}
