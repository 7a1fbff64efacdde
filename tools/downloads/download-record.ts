/**
 * @file `downloads.json`: what was downloaded into a folder, with the size and checksum that it had.
 *
 * For a file without a published checksum, the first download decides; from then on every further one is
 * checked against it.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';

const recordSchema = z.object({
  url: z.string(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** When it was first downloaded here, ISO 8601. */
  firstSeen: z.string(),
});
const SCHEMA = 'downloads/1';
const fileSchema = z.object({
  schema: z.literal(SCHEMA),
  files: z.record(z.string(), recordSchema),
});

/** What is remembered of one file. */
export type DownloadRecord = z.infer<typeof recordSchema>;

/** Name of the file of records in a folder of downloads. */
const RECORDS_FILE = 'downloads.json';

/** Everything remembered in a folder, by file name. Throws  DATA_INVALID when the records are damaged. */
export async function readRecords(folder: string): Promise<ReadonlyMap<string, DownloadRecord>> {
  const path = join(folder, RECORDS_FILE);
  const text = await readTextFile(path).catch(() => undefined);
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(fileSchema.parse(JSON.parse(text)).files));
  } catch (cause) {
    throw new TesseraError('DATA_INVALID', `${path} is damaged`, {
      hint: 'it has the checksums of the downloads in this folder; restore it, or remove it to trust the next download',
      cause,
    });
  }
}

/** Remembers one more file. Throws  CANNOT_WRITE. */
export async function addRecord(
  folder: string,
  file: string,
  record: DownloadRecord,
): Promise<void> {
  const files = { ...Object.fromEntries(await readRecords(folder)), [file]: record };
  const text = `${JSON.stringify({ schema: SCHEMA, files }, null, 2)}\n`;
  await writeFileAtomically(join(folder, RECORDS_FILE), [new TextEncoder().encode(text)]);
}
