/** @file Reads one file of tensors, safetensors or PyTorch, whatever its name ends in. */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import { isPth, type PthFormat, readPth } from '../formats/pth.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { readWholeFile } from '../host/files.ts';
import type { RawTensors } from '../model/pretrained/weights.ts';

/** How a file stores its tensors. */
type WeightsFormat = 'safetensors' | PthFormat;

/** A file's tensors under its own names. */
export interface TensorFile {
  readonly tensors: RawTensors;
  readonly path: string;
  readonly format: WeightsFormat;
  /** Key under which a PyTorch file had them, such as `model_ema`. */
  readonly nesting?: string | undefined;
  /** What a safetensors file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a file; tensors are views of it where they lie in one piece.
 *
 * Throws  DATA_INVALID, naming the file and what in it is wrong.
 */
export async function readTensorFile(path: string): Promise<TensorFile> {
  const bytes = await readWholeFile(path);
  return inFile(path, () => {
    if (!isPth(bytes)) return { path, format: 'safetensors', ...readSafetensors(bytes) };
    return { path, metadata: {}, ...readPth(bytes, crc32) };
  });
}

/** Runs `work`, and puts the path before what it throws. */
export function inFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const { code, sentence, hint } = TesseraError.from(thrown);
    throw new TesseraError(code, `cannot load ${path}: ${sentence}`, {
      ...(hint !== undefined && { hint }),
      cause: thrown,
    });
  }
}
