/** @file Reads one file of tensors (safetensors, PyTorch or NumPy), recognised by content; names other kinds. */
import { TesseraError } from '../../core/errors.ts';
import { readWholeFile } from '../../files/files.ts';
import { type Facts, factsFrom } from '../facts.ts';
import { isNpz, readNpz } from '../formats/npy.ts';
import { isPth, type PthFormat, readPth, type TensorGroup } from '../formats/pth.ts';
import { isSafetensors, readSafetensors } from '../formats/safetensors.ts';
import { isZip, readZip, type ZipEntries } from '../formats/zip.ts';
import { chooseModel } from '../names/candidates.ts';
import { fromJax } from '../names/jax.ts';
import type { RawTensors } from '../names/rename.ts';
import { type FileKind, fileKind, KIND_BYTES, zipKind } from './file-kind.ts';

/** How a file stores its tensors. */
type WeightsFormat = 'safetensors' | 'NumPy .npz' | PthFormat;

/** A file's tensors under its own names. */
export interface TensorFile {
  readonly tensors: RawTensors;
  readonly path: string;
  readonly format: WeightsFormat;
  /** Keys under which a PyTorch file had them, such as `model_ema`. */
  readonly nesting?: string | undefined;
  /** Tensors beside them that cannot be read, and what they are. */
  readonly unread?: ReadonlyMap<string, string>;
  /** Names of the skipped Python objects, with their counts. */
  readonly steppedOver?: ReadonlyMap<string, number>;
  /** The metadata of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Facts from its layout. */
  readonly info?: Facts;
  /** Notes about choices that were made. */
  readonly notes?: readonly string[];
}

/**
 * Reads a file; contiguous tensors are views of it. Of several dictionaries with tensors, the one with the model is
 * used, or the one that `key` names.
 *
 * Throws  DATA_INVALID, naming the file and what in it is wrong; CHECKPOINT_MISMATCH when it holds several models.
 */
export async function readTensorFile(path: string, key?: string): Promise<TensorFile> {
  const bytes = await readWholeFile(path);
  return inFile(path, () => {
    if (isSafetensors(bytes)) return { path, format: 'safetensors', ...readSafetensors(bytes) };
    if (!isZip(bytes)) return isPth(bytes) ? fromPth(path, bytes, key) : refuse(bytes);
    const entries = readZip(bytes);
    const names = [...entries.keys()];
    if (isNpz(entries)) return fromNpz(path, entries);
    const isTorch = names.some((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
    const isScript = names.some((name) => /(?:^|\/)constants\.pkl$/.test(name));
    if (!isTorch || isScript) throw refused(zipKind(names));
    return fromPth(path, bytes, key);
  });
}

function fromPth(path: string, bytes: Uint8Array, key: string | undefined): TensorFile {
  const { groups, format, steppedOver, modules } = readPth(bytes);
  const { group, notes } = chooseGroup(groups, key);
  const { tensors, unread, path: nesting } = group;
  const passed = modules.map(([place, name]) => `a whole module is skipped: ${place}, a ${name}`);
  return {
    ...{ path, format, tensors, unread, steppedOver },
    ...{ metadata: {}, nesting: nesting || undefined, notes: [...notes, ...passed] },
  };
}

function fromNpz(path: string, entries: ZipEntries): TensorFile {
  const { tensors, unread } = readNpz(entries);
  const file = { path, format: 'NumPy .npz', metadata: {}, unread } as const;
  const converted = fromJax(tensors);
  if (converted === undefined) return { ...file, tensors };
  const { heads } = converted;
  const notes = ['names and layouts of JAX (Flax) are converted to those of timm'];
  return {
    ...file,
    tensors: converted.tensors,
    info: factsFrom('file', 'the shapes of its arrays', { heads }),
    notes,
  };
}

/** The error for another file: by its kind, or as a damaged safetensors file. */
function refuse(bytes: Uint8Array): TensorFile {
  const kind = fileKind(bytes.subarray(0, KIND_BYTES));
  if (kind !== undefined) throw refused(kind);
  readSafetensors(bytes);
  throw new TesseraError('DATA_INVALID', 'it is not a file of weights');
}

function refused({ what, hint }: FileKind): TesseraError {
  return new TesseraError('DATA_INVALID', `it is ${what}`, { hint });
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

/** The rest of a key inside its dictionary; undefined for none. */
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
