/** @file What can be wrong with a checkpoint, in words. */
import { TesseraError } from '../../core/errors.ts';

/** The error for a checkpoint that is not what was written. */
export function corrupt(folder: string, reason: string, cause?: unknown): TesseraError {
  return new TesseraError('CHECKPOINT_CORRUPT', `checkpoint ${folder} is damaged: ${reason}`, {
    hint: 'use another checkpoint; --resume takes the newest whole one by itself',
    cause,
  });
}

/** The error for a checkpoint that is whole, but no start for this run. */
export function mismatch(folder: string, reason: string): TesseraError {
  return new TesseraError('CHECKPOINT_MISMATCH', `checkpoint ${folder} does not fit: ${reason}`, {
    hint: 'resume with the same config, data and version of tessera, or start a new run',
  });
}
