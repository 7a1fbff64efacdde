/** @file A compiled program as a file: a line of JSON with its SHA-256, then its bytes; verified when it is read. */
import { z } from 'zod';
import { TesseraError } from '../core/errors.ts';
import { sha256OfBytes } from '../files/digest.ts';
import type { Disk } from '../files/disk.ts';
import { type Pieces, readWholeFile } from '../files/files.ts';
import type { ExecutableKey } from './executables.ts';

/** Name of the file of a digest; nothing else in a folder of executables is one. */
export const EXECUTABLE_NAME = /^[0-9a-f]{64}$/;

/** Beside the longest title there is room for all else. */
const HEADER_BYTES_MAX = 4096;
const NEW_LINE = 10;

const header = z.strictObject({
  tessera: z.literal('executable'),
  digest: z.string(),
  title: z.string(),
  bytes: z.number(),
  sha256: z.string(),
});

/** A compiled program that was read. */
export interface ReadExecutable {
  readonly title: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** The contents of the file of an executable. */
export function executablePieces(
  { digest, title }: ExecutableKey,
  bytes: Uint8Array,
  sha256: string,
): Pieces {
  const about: z.infer<typeof header> = {
    tessera: 'executable',
    ...{ digest, title: title.slice(0, HEADER_BYTES_MAX / 8), bytes: bytes.byteLength, sha256 },
  };
  return [Buffer.from(`${JSON.stringify(about)}\n`), bytes];
}

/**
 * Reads the file of a digest, of at most `bytesMax` beside its header.
 *
 * Throws  DATA_INVALID when it cannot be read, is damaged, or is of another digest.
 */
export async function readExecutable(
  path: string,
  digest: string,
  { bytesMax, disk }: { readonly bytesMax: number; readonly disk?: Disk | undefined },
): Promise<ReadExecutable> {
  const all = await readWholeFile(path, { disk, bytesMax: bytesMax + HEADER_BYTES_MAX });
  const end = all.subarray(0, HEADER_BYTES_MAX).indexOf(NEW_LINE);
  const about = headerIn(all.subarray(0, Math.max(0, end)));
  const bytes = all.subarray(end + 1);
  const isWhole = about?.digest === digest && about.bytes === bytes.byteLength;
  if (!isWhole || (await sha256OfBytes(bytes)) !== about.sha256) {
    throw new TesseraError('DATA_INVALID', `${path} is not a whole executable of its name`, {
      hint: 'delete it: it is compiled again',
    });
  }
  return { title: about.title, sha256: about.sha256, bytes };
}

function headerIn(line: Uint8Array): z.infer<typeof header> | undefined {
  try {
    return header.parse(JSON.parse(new TextDecoder().decode(line)));
  } catch {
    return undefined;
  }
}
