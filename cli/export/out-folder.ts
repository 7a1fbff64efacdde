/** @file Where an export may write: over what it wrote before, never over anything else's folder. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { EXPORT_MARK, type ExportLayout } from '../../tools/export/library.ts';

/**
 * Refuses to write a file where a folder is, as cp does not replace one either.
 *
 * Throws  CANNOT_WRITE.
 */
export async function checkOutFile(out: string): Promise<void> {
  const found = await stat(out).catch(() => undefined);
  if (!found?.isDirectory()) return;
  throw new TesseraError('CANNOT_WRITE', `${out} is a folder, and the model is one file`, {
    hint: `give the name of a file in it, such as ${join(out, 'vit')}`,
  });
}

/**
 * Refuses to replace anything but an earlier export with a folder, since a folder is replaced whole.
 *
 * Throws  CANNOT_WRITE.
 */
export async function checkOutFolder(out: string, layout: ExportLayout): Promise<void> {
  // Of a link itself: it would be replaced, not what it leads to.
  const found = await lstat(resolve(out)).catch(() => undefined);
  if (found === undefined || (found.isDirectory() && (await isExport(out, layout)))) return;
  throw new TesseraError(
    'CANNOT_WRITE',
    `${out} is there and no earlier export of this kind: it is not replaced`,
    { hint: 'name a folder that is not there yet, or move this one away first' },
  );
}

/**
 * Refuses to write over what is read.
 *
 * Throws  CANNOT_WRITE.
 */
export async function checkNotInput(out: string, inputs: readonly string[]): Promise<void> {
  const target = await placeOf(out);
  for (const input of inputs) {
    if (target === undefined || target !== (await placeOf(input))) continue;
    throw new TesseraError('CANNOT_WRITE', `${out} and ${input} are the same`, {
      hint: 'write to another place: a conversion may lose what the original has',
    });
  }
}

/** Whether a folder holds an earlier export and nothing else, or nothing at all. */
async function isExport(folder: string, { marked, isOurs }: ExportLayout): Promise<boolean> {
  const names = await readdir(folder);
  if (names.length === 0) return true;
  if (!names.every(isOurs)) return false;
  try {
    const found: unknown = JSON.parse(await readTextFile(join(folder, marked)));
    const mark = Object.entries(EXPORT_MARK);
    return mark.every(([key, value]) => Object(found)[key] === value);
  } catch {
    // No such file, or none that can be read, is none of ours.
    return false;
  }
}

const placeOf = (path: string) => realpath(path).catch(() => undefined);
