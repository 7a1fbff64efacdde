/** @file A known file, downloaded once: taken as it is when it is there and right, remembered when it comes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import type { KnownFile } from '../../shared/files/known-file.ts';
import { digestsOfFile, mismatchOf } from '../../shared/files/known-file.ts';
import { type DownloadOptions, download } from './download.ts';
import { addRecord, type DownloadRecord, readRecords } from './download-record.ts';

/** Where a file went, and what vouches for it. */
export interface FetchedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** It was there already. */
  readonly wasThere: boolean;
  /** The source of the expected checksum; `first download` if there was none. */
  readonly checkedBy: 'published checksum' | 'earlier download' | 'first download';
}

/**
 * Brings a file into `folder`.
 *
 * Throws  DATA_INVALID when the file there or the one that came is not the known one; what `download` throws.
 */
export async function fetchKnown(
  options: { readonly file: KnownFile; readonly folder: string; readonly nowIso: string } & Pick<
    DownloadOptions,
    'signal' | 'onProgress' | 'onRetry' | 'limits' | 'clock'
  >,
): Promise<FetchedFile> {
  const { file, folder, nowIso, ...manner } = options;
  const path = join(folder, file.file);
  const record = (await readRecords(folder)).get(file.file);
  const known = knownOf(file, record);
  const checkedBy = voucherOf(file, record);
  const present = await stat(path).catch(() => undefined);
  if (present !== undefined) {
    const digests = await digestsOfFile(path);
    refuseOther(path, mismatchOf(present.size, digests, known), file);
    const { sha256 } = digests;
    if (record === undefined)
      await addRecord(folder, file.file, {
        url: file.url,
        bytes: present.size,
        sha256,
        firstSeen: nowIso,
      });
    return { path, bytes: present.size, sha256, wasThere: true, checkedBy };
  }
  const { bytes, sha256 } = await download({ ...manner, url: file.url, path, known });
  if (record === undefined)
    await addRecord(folder, file.file, { url: file.url, bytes, sha256, firstSeen: nowIso });
  return { path, bytes, sha256, wasThere: false, checkedBy };
}

/** What is published comes first; a record has the whole checksum, but only of what came here once. */
function knownOf(file: KnownFile, record: DownloadRecord | undefined) {
  if (record !== undefined) {
    return { bytes: record.bytes, digest: { algorithm: 'sha256', hex: record.sha256 } as const };
  }
  const { bytes, digest } = file;
  return { ...(bytes !== undefined && { bytes }), ...(digest !== undefined && { digest }) };
}

function voucherOf(file: KnownFile, record: DownloadRecord | undefined): FetchedFile['checkedBy'] {
  if (file.digest !== undefined) return 'published checksum';
  return record === undefined ? 'first download' : 'earlier download';
}

function refuseOther(path: string, wrong: string | undefined, file: KnownFile): void {
  if (wrong === undefined) return;
  throw new TesseraError('DATA_INVALID', `${path} is not ${file.url}: ${wrong}`, {
    hint: 'move it away and run the command again, or choose another folder with --out',
  });
}
