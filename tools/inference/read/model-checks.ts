/** @file What a model must be to be run: heads and classes that fit, a config that this version knows. */
import { configSchema, type RunConfig } from '../../../shared/config/schema.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { readWholeFile } from '../../../shared/files/files.ts';
import type { ModelConfig } from '../../../shared/model/variants.ts';
import type { ReadOptions } from './read-model.ts';

/** A model that says how many heads it has is not run with others. */
export function refuseOtherHeads(
  path: string,
  wanted: ReadOptions['heads'],
  stated: number | undefined,
): void {
  if (typeof wanted !== 'number' || stated === undefined || wanted === stated) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path} says that its model has ${stated} attention heads, not ${wanted}`,
    { hint: 'leave --heads out' },
  );
}

/** With a wrong number of heads a model silently computes wrong outputs: so it must be known, and possible. Throws  CHECKPOINT_MISMATCH. */
export function checkHeads(
  path: string,
  { model, areGuessed }: { readonly model: ModelConfig; readonly areGuessed: boolean },
  wanted: ReadOptions['heads'],
): void {
  const { width, heads } = model;
  if (wanted === undefined && areGuessed) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${path} does not say how many attention heads its model has, nor is it of a published size`,
      { hint: `give their number with --heads N; it divides the width, ${width}` },
    );
  }
  if (width % heads === 0) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${path}: ${heads} attention heads do not divide a width of ${width}`,
    { hint: 'the number that the model was trained with does' },
  );
}

/** A file with the names of classes, one a line. */
const CLASSES_BYTES_MAX = 16 * 1024 ** 2;

/** The names that were given, or those in the file that was; undefined where there is neither. */
export async function namesIn(
  given: ReadOptions['classes'],
): Promise<readonly string[] | undefined> {
  if (typeof given !== 'string') return given;
  const text = new TextDecoder().decode(
    await readWholeFile(given, { bytesMax: CLASSES_BYTES_MAX }),
  );
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

/** Refuses names that are not one for each class. Throws  CHECKPOINT_MISMATCH. */
export function refuseOtherCount(
  given: ReadOptions['classes'],
  path: string,
  {
    classes,
    model: { numClasses },
  }: { readonly classes: readonly string[]; readonly model: ModelConfig },
): void {
  if (classes.length === numClasses) return;
  const source =
    given === undefined ? path : typeof given === 'string' ? given : 'the option classes';
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${source} names ${classes.length} classes, the model has ${numClasses}`,
  );
}

/** The config that is described, checked. Throws  CHECKPOINT_MISMATCH, which begins with `refusal`. */
export function checkedConfig(described: unknown, refusal: string): RunConfig {
  const parsed = configSchema.safeParse(described);
  if (parsed.success) return parsed.data;
  const reason = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new TesseraError('CHECKPOINT_MISMATCH', `${refusal}: ${reason.join('; ')}`, {
    hint: 'use the version of tessera that trained it, or other weights',
  });
}
