/**
 * @file Logs: JSON lines, on stderr or where the caller wants them.
 *
 * The message is a constant lower-case phrase, everything that varies is a field with its unit.
 * info is a human timeline (less than a line a second), debug is per step, trace per chunk.
 */
import { type DestinationStream, destination, type LoggerOptions, pino } from 'pino';

export type { Logger } from 'pino';

import type { Logger } from 'pino';

/** How much to log. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'off';

/** How a log is made. */
export interface LogSettings {
  /** The part of Tessera that speaks: `coordinator`, `worker`, `cli`. */
  readonly component: string;
  readonly level?: LogLevel;
  /** Where the lines go instead of stderr. */
  readonly destination?: { write(line: string): void };
  /** Gets each line too, after its destination. */
  readonly also?: (line: string) => void;
}

/** What cannot be written (a full disk) is kept for later up to `maxLength` characters; lines beyond are lost. */
const STDERR = { dest: 2, sync: true, maxLength: 2 ** 20 };

/** Fields that are never logged: with a session secret, a reader of the log could push for its worker. */
const SECRET_FIELDS = ['token', 'session', 'key', 'password'];

/** Makes a log. Lines are written as they come, so none is lost however the process ends. */
export function createLog({
  component,
  level = 'info',
  destination: target,
  also,
}: LogSettings): Logger {
  const options: LoggerOptions = {
    level: level === 'off' ? 'silent' : level,
    base: { component, pid: process.pid },
    redact: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
  };
  const place = target ?? forgiving(destination(STDERR));
  if (also === undefined) return pino(options, place);
  const both = (line: string) => {
    place.write(line);
    also(line);
  };
  return pino(options, { write: both });
}

/** A line that cannot be written is dropped; the caller continues. */
function forgiving(stream: DestinationStream): DestinationStream {
  return {
    write(line) {
      try {
        stream.write(line);
      } catch {}
    },
  };
}
