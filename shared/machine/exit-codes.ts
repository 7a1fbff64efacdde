/** @file The one table of exit codes: what each means, and whether a scheduler should start the same line again. */
import type { ERROR_CODES, ErrorCode } from '../core/errors.ts';

/**
 * Whether the same line, started again, may get further.
 *
 * always   it continues where it was; such an end does not count as a failure.
 * limited  it may, once something else has changed: a few times.
 * never    it ends like this again, or a person has ended it.
 */
type Restart = 'always' | 'limited' | 'never';

/** What an exit code means. */
export interface ExitMeaning {
  /** Without a full stop. */
  readonly meaning: string;
  readonly restart: Restart;
}

/** Codes that are not of an error: success, a difference, and a reader that is gone. */
type OtherExit = 0 | 1 | 141;

/** Every exit code of `tessera`. A signal before anything can be said ends it with 128 and the signal's number in a shell. */
const EXIT_CODES = {
  0: { meaning: 'done', restart: 'never' },
  1: {
    meaning: 'a difference was found (runs compare --exact), or something does not work (doctor)',
    restart: 'never',
  },
  2: { meaning: 'wrong flags, arguments or variables', restart: 'never' },
  65: {
    meaning: 'data, weights, a checkpoint or a number of the training is wrong',
    restart: 'never',
  },
  69: { meaning: 'workers, the coordinator or an engine are not there', restart: 'limited' },
  70: { meaning: 'an engine or Tessera itself failed', restart: 'limited' },
  71: { meaning: 'the machine failed: memory, files or processes', restart: 'limited' },
  73: { meaning: 'a file cannot be written, or a port or a run is in use', restart: 'limited' },
  75: {
    meaning: 'try again: interrupted and saved (a signal, a time limit), full, or late',
    restart: 'always',
  },
  76: { meaning: 'the other side has another version or model', restart: 'never' },
  77: { meaning: 'access denied', restart: 'never' },
  78: { meaning: 'a config, or a checkpoint for it, does not fit', restart: 'never' },
  130: { meaning: 'stopped by a person: Ctrl-C or tessera stop', restart: 'never' },
  141: { meaning: 'the reader of stdout closed the pipe', restart: 'never' },
} as const satisfies Readonly<
  Record<(typeof ERROR_CODES)[ErrorCode]['exit'] | OtherExit, ExitMeaning>
>;

/** The rows of the table in the order of the codes. */
export function exitCodeRows(): readonly (ExitMeaning & { readonly code: number })[] {
  return Object.entries(EXIT_CODES).map(([code, row]) => ({ code: Number(code), ...row }));
}
