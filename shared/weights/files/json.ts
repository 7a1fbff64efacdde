/** @file JSON files beside weights, as transformers and timm write them. */
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { unbroken } from '../../core/text.ts';
import { readWholeFile } from '../../files/files.ts';
import { type FileKind, fileKind, KIND_BYTES } from './file-kind.ts';

/** The names of 21,000 classes, or of all tensors of a large model, take a megabyte. */
const JSON_BYTES_MAX = 64 * 1024 ** 2;

/** Reads a document of a schema. Throws  DATA_INVALID, naming the file and what it is instead. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readWholeFile(path, { bytesMax: JSON_BYTES_MAX });
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const kind = cause instanceof SyntaxError ? otherKind(bytes) : undefined;
    if (kind === undefined) throw notAsWritten(path, cause);
    const { what, hint } = kind;
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: it is ${what}`, { hint, cause });
  }
}

/** The kind of a file that should be JSON but does not begin like it. */
function otherKind(bytes: Uint8Array): FileKind | undefined {
  const head = bytes.subarray(0, KIND_BYTES);
  return /^\s*[{[]/.test(new TextDecoder().decode(head)) ? undefined : fileKind(head);
}

/** The error for a document of another form. */
export function notAsWritten(path: string, cause: unknown): TesseraError {
  const reason = unbroken(cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause));
  const sentence = `${path} is not in the form of transformers or timm: ${reason}`;
  return new TesseraError('DATA_INVALID', sentence, { cause });
}
