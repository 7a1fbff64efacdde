/** @file The lines of a metrics.jsonl, and the events that they are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';
import { jsonRecord } from '../core/text.ts';
import { BoundedLines } from '../files/lines.ts';
import { streamRegularFile } from '../files/regular-file.ts';
import { whyNot } from '../files/why-not.ts';
import { type TimedEvent, timedEventSchema } from './events.ts';
import { RUN_FILES } from './layout.ts';
import { LINE_BYTES_MAX } from './metrics-file.ts';

/** Two million steps take this much. */
const FILE_BYTES_MAX = 512 * 1024 ** 2;
/** The file is read in pieces of this size. */
const PIECE_BYTES = 1024 ** 2;

/**
 * Takes the lines of a run's metrics one by one, undefined for one that is too long to be a record; a run that has none
 * yet has no lines.
 *
 * Throws  DATA_INVALID when the file is there and cannot be read, or the run is not there (any more).
 */
export async function eachLine(
  runFolder: string,
  take: (line: string | undefined) => void,
): Promise<void> {
  const path = join(runFolder, RUN_FILES.metrics);
  try {
    const lines = new BoundedLines(LINE_BYTES_MAX);
    const how = { bytesMax: FILE_BYTES_MAX, highWaterMark: PIECE_BYTES };
    for await (const piece of await streamRegularFile(path, how)) {
      for (const line of lines.add(piece)) take(line);
    }
    for (const line of lines.end()) take(line);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT' || !existsSync(runFolder)) {
      throw new TesseraError('DATA_INVALID', `cannot read ${path}: ${whyNot(path, cause)}`, {
        hint: 'check that it is a file that you may read',
        cause,
      });
    }
  }
}

/** The events of some types, in their order; what is damaged is left out. Throws  as `eachLine` does. */
export async function readEvents<Type extends TimedEvent['type']>(
  runFolder: string,
  types: readonly Type[],
): Promise<Extract<TimedEvent, { type: Type }>[]> {
  const wanted: ReadonlySet<unknown> = new Set(types);
  const found: Extract<TimedEvent, { type: Type }>[] = [];
  await eachLine(runFolder, (line) => {
    const record = line === undefined ? undefined : jsonRecord(line);
    if (record === undefined || !wanted.has(record['type'])) return;
    const { data } = timedEventSchema.safeParse(record);
    if (data !== undefined) found.push(data as Extract<TimedEvent, { type: Type }>);
  });
  return found;
}
