/** @file How a run ended: the last events of its process. Pure. */
import { ERROR_CODES, isErrorCode, type TesseraError } from '../core/errors.ts';
import type { Ending, RunEvent } from './events.ts';

/** The ends that are not failures, by the code that stands for them. */
const HOW: Readonly<Record<string, Ending>> = { CANCELLED: 'stopped', INTERRUPTED: 'interrupted' };

/** How a run came to its end, as its records say it. */
export interface RunEnding {
  readonly how: Ending;
  readonly reason: string;
  /** Exit code of its command; undefined where the records do not let us know. */
  readonly exit: number | undefined;
  /** Of the error that ended it. */
  readonly code: string | undefined;
}

type EventOf<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

/** The end that a phase of an older version stands for; undefined for a phase that is none. */
export function endingOfPhase({ phase, reason, code }: EventOf<'phase'>): RunEnding | undefined {
  if (phase === 'done') return { how: 'done', reason, exit: 0, code };
  if (phase !== 'failed') return undefined;
  // The first versions recorded no code.
  if (code === undefined) return { how: 'stopped', reason, exit: undefined, code };
  const exit = isErrorCode(code) ? ERROR_CODES[code].exit : undefined;
  return { how: howEnded(code), reason, exit, code };
}

function howEnded(code: string): Ending {
  return HOW[code] ?? 'failed';
}

/** The last events of a run that ended well, for a reason, or with an error; none once another coordinator has it, and its metrics. */
export function endEvents(error: TesseraError | undefined, done: string): readonly RunEvent[] {
  if (error === undefined) return [{ type: 'ended', how: 'done', exit: 0, reason: done }];
  const { code, sentence: reason } = error;
  if (code === 'RUN_IN_USE') return [];
  const { exit } = ERROR_CODES[code];
  return [
    { type: 'phase', phase: 'failed', reason, code },
    { type: 'ended', how: howEnded(code), exit, code, reason },
  ];
}
