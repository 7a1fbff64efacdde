/** @file Reads one file of tensors, safetensors or PyTorch, whatever its name ends in. */
import { crc32 } from 'node:zlib';
import { TesseraError } from '../core/errors.ts';
import { isPth, type PthFormat, readPth, type TensorGroup } from '../formats/pth.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { readWholeFile } from '../host/files.ts';
import { chooseModel } from '../model/pretrained/candidates.ts';
import type { RawTensors } from '../model/pretrained/weights.ts';

/** How a file stores its tensors. */
type WeightsFormat = 'safetensors' | PthFormat;

/** A file's tensors under its own names. */
export interface TensorFile {
  readonly tensors: RawTensors;
  readonly path: string;
  readonly format: WeightsFormat;
  /** Keys under which a PyTorch file had them, such as `model_ema`. */
  readonly nesting?: string | undefined;
  /** Tensors beside them that cannot be read, and what they are. */
  readonly unread?: ReadonlyMap<string, string>;
  /** Names of the objects of Python that were stepped over, and how many of each. */
  readonly steppedOver?: ReadonlyMap<string, number>;
  /** What a safetensors file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What was chosen between, a sentence each. */
  readonly notes?: readonly string[];
}

/**
 * Reads a file; tensors are views of it where they lie in one piece. Where several dictionaries of it hold tensors, it is
 * the one with the model, or the one that `key` names.
 *
 * Throws  DATA_INVALID, naming the file and what in it is wrong; CHECKPOINT_MISMATCH when it holds several models.
 */
export async function readTensorFile(path: string, key?: string): Promise<TensorFile> {
  const bytes = await readWholeFile(path);
  return inFile(path, () => {
    if (!isPth(bytes)) return { path, format: 'safetensors', ...readSafetensors(bytes) };
    const { groups, format, steppedOver, modules } = readPth(bytes, crc32);
    const { group, notes } = chooseGroup(groups, key);
    const { tensors, unread, path: nesting } = group;
    const passed = modules.map(
      ([place, name]) => `a whole module is passed over: ${place}, a ${name}`,
    );
    return {
      ...{ path, format, tensors, unread, steppedOver },
      ...{ metadata: {}, nesting: nesting || undefined, notes: [...notes, ...passed] },
    };
  });
}

/** The dictionary with the model in it. */
function chooseGroup(
  groups: readonly TensorGroup[],
  key: string | undefined,
): { group: TensorGroup; notes: readonly string[] } {
  const [first, ...others] = groups;
  if (first !== undefined && others.length === 0) return { group: first, notes: [] };
  const { candidate, notes } = chooseModel(groups, key);
  return { group: candidate.group, notes };
}

/** What of a key is left inside of the dictionary that it led to; undefined for all. */
export function keyInside(
  nesting: string | undefined,
  key: string | undefined,
): string | undefined {
  if (key === undefined || nesting === undefined) return key;
  if (key.startsWith(`${nesting}.`)) return key.slice(nesting.length + 1);
  return nesting === key || nesting.startsWith(`${key}.`) ? undefined : key;
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
