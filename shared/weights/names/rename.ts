/** @file Pretrained weights in timm's names, whatever library's names they have in their file. */

import { assert, TesseraError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { Facts } from '../facts.ts';
import type { TensorGroup } from '../formats/pth.ts';
import type { SafeTensor } from '../formats/safetensors.ts';
import { float32Of } from '../formats/tensor-values.ts';
import { chooseModel } from './candidates.ts';
import { type FoundHead, findHead } from './head.ts';
import { blockOf, type Naming, type Spelling, spellings } from './names.ts';
import { type Fate, fateOf } from './rest.ts';

/** One parameter. */
export interface WeightTensor {
  readonly shape: readonly number[];
  /** A view of the file where it stores float32. */
  readonly values: Float32Array;
  /** How the file stores it. */
  readonly dtype: string;
}

/** Weights that were read. */
export interface Weights {
  /** By timm's names. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly naming: Naming;
  /** The prefix of every name of the model, with the dot; empty for none. */
  readonly prefix: string;
  /** Names of the file that would change what the model computes, and that our model does not have. */
  readonly unknown: readonly string[];
  /** Names of the file that a classifier does not use. */
  readonly unused: readonly string[];
  /** Names of the file that make its head more than one linear layer: an error only if the head is kept. */
  readonly besideHead: readonly string[];
  /** The possible heads, if there are several; then none is used. */
  readonly headCandidates: readonly string[];
  /** Notes about choices and conversions. */
  readonly notes: readonly string[];
  /** The library's own names, for a nearest one. */
  readonly known: readonly string[];
  /** The facts that the file or folder states beside the tensors. */
  readonly info: Facts;
}

/** Tensors by the names of their file. */
export type RawTensors = TensorGroup['tensors'];

/** How a model is found in tensors that may hold more than it. */
export interface RenameOptions {
  /** Which model, where there are several: the prefix of its names. */
  readonly key?: string | undefined;
  /** Tensors that cannot be read, and what they are. */
  readonly unread?: ReadonlyMap<string, string> | undefined;
}

/**
 * Gives tensors timm's names.
 *
 * Throws  CHECKPOINT_MISMATCH when no name is that of a ViT, when there are two models, or when it is a distilled DeiT;
 *         DATA_INVALID when a tensor of the model is of a type that is not read.
 */
export function renameWeights(
  raw: RawTensors,
  info: Facts = {},
  { key, unread = new Map() }: RenameOptions = {},
): Weights {
  const clean = withoutInnerWrappers(raw);
  const group = { path: '', tensors: clean.tensors, unread };
  const { candidate, foreign, notes } = chooseModel([group], key);
  const { naming, prefix, names } = candidate;
  refuseDistilled(prefix, clean.tensors);
  const table = spellings(naming, blocksIn(names));
  const isHead = ({ ours }: Spelling) => ours.startsWith('head.');
  const tensors = new Map<string, WeightTensor>();
  const taken = new Set<string>();
  for (const { ours, theirs } of table.filter((spelling) => !isHead(spelling))) {
    const full = theirs.map((name) => prefix + name);
    refuseUnread(full, unread);
    const parts = full.map((name) => clean.tensors.get(name));
    if (tensors.has(ours) || !parts.every((part) => part !== undefined)) continue;
    tensors.set(ours, joinParts(parts, full));
    for (const name of full) taken.add(name);
  }
  const rest = new Map(
    [...clean.tensors].filter(([name]) => !taken.has(name) && !foreign.has(name)),
  );
  const width = tensors.get('patch_embed.proj.weight')?.shape[0] ?? 0;
  const usual = USUAL_HEADS[naming];
  const found = findHead({ rest, prefix, usual, width });
  const headNotes = takeHead(found, { rest, unread, tensors, taken });
  const fates = new Map<string, Fate>();
  for (const name of [...rest.keys(), ...unread.keys()].filter((one) => !taken.has(one))) {
    const fate = fateOf(name, rest.get(name)?.shape ?? [], { naming, prefix, width });
    fates.set(name, found.beside.has(name) ? 'head' : fate);
  }
  const withFate = (fate: Fate) => [...fates.keys()].filter((name) => fates.get(name) === fate);
  return {
    ...{ tensors, naming, prefix, info },
    unknown: withFate('changes'),
    unused: [...withFate('left'), ...[...foreign].filter((name) => !taken.has(name))].map((name) =>
      unread.has(name) ? `${name} (${unread.get(name)})` : name,
    ),
    besideHead: withFate('head'),
    headCandidates: found.candidates,
    notes: [
      ...notes,
      ...clean.notes,
      ...(prefix === '' || prefix === OWN_PREFIX[naming]
        ? []
        : [`names without their prefix ${JSON.stringify(prefix)}`]),
      ...headNotes,
      ...narrowed(tensors),
    ],
    known: table.flatMap(({ theirs }) => theirs),
  };
}

/** What the libraries call their head; torchvision's was one layer by itself before 0.13's Sequential, and in forks. */
const USUAL_HEADS: Readonly<Record<Naming, readonly string[]>> = {
  timm: ['head'],
  torchvision: ['heads.head', 'heads'],
  huggingface: ['classifier'],
};

/** What a library's own classifiers have before the names of the backbone. */
const OWN_PREFIX: Readonly<Partial<Record<Naming, string>>> = { huggingface: 'vit.' };

/** Wrappers inside of a model: sharding, recomputation and compilation of single blocks. */
const INNER_WRAPPER = /(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\./g;

/** Names without what wrappers put into them, unless two names become one. */
function withoutInnerWrappers(raw: RawTensors): { tensors: RawTensors; notes: string[] } {
  const renamed = new Map(
    [...raw].map(([name, tensor]) => [name.replace(INNER_WRAPPER, ''), tensor]),
  );
  const wrapped = [...raw.keys()].filter((name) => !renamed.has(name));
  if (wrapped.length === 0 || renamed.size < raw.size) return { tensors: raw, notes: [] };
  const [first = ''] = wrapped.join().match(INNER_WRAPPER) ?? [];
  return { tensors: renamed, notes: [`names without ${JSON.stringify(first)} in them`] };
}

interface HeadPlace {
  readonly rest: RawTensors;
  readonly unread: ReadonlyMap<string, string>;
  readonly tensors: Map<string, WeightTensor>;
  readonly taken: Set<string>;
}

/** Renames the head; returns notes about anything unusual. */
function takeHead(
  { head, isRenamed }: FoundHead,
  { rest, unread, tensors, taken }: HeadPlace,
): string[] {
  const weight = head === undefined ? undefined : rest.get(head.weight);
  if (head === undefined || weight === undefined) return [];
  const bias = head.bias === undefined ? undefined : rest.get(head.bias);
  refuseUnread([head.weight.replace(/weight$/, 'bias')], unread);
  const [classes = 0] = weight.shape;
  const read = joinParts([weight], [head.weight]);
  tensors.set('head.weight', read);
  taken.add(head.weight);
  if (bias !== undefined && head.bias !== undefined) {
    tensors.set('head.bias', joinParts([bias], [head.bias]));
    taken.add(head.bias);
  }
  const notes = isRenamed ? [`${head.weight} [${weight.shape}] is used as the head`] : [];
  // A tensor without values may have any number of rows.
  if (bias !== undefined || classes > read.values.length) return notes;
  tensors.set('head.bias', { shape: [classes], values: new Float32Array(classes), dtype: 'F32' });
  return [...notes, `${head.weight} has no bias: zeros are used`];
}

function narrowed(tensors: ReadonlyMap<string, WeightTensor>): string[] {
  const doubles = [...tensors.values()].filter(({ dtype }) => dtype === 'F64').length;
  if (doubles === 0) return [];
  return [`${doubles === 1 ? '1 tensor' : `${doubles} tensors`} of float64 rounded to float32`];
}

function refuseUnread(names: readonly string[], unread: ReadonlyMap<string, string>): void {
  const found = names.find((name) => unread.has(name));
  if (found === undefined) return;
  throw new TesseraError(
    'DATA_INVALID',
    `${JSON.stringify(found)} is ${unread.get(found)}, which is not read`,
    { hint: 'save the model with plain tensors of f32, f16 or bf16' },
  );
}

/** The known name that an unknown one probably means. */
export function nearestName({ known, prefix }: Weights, unknown: string): string | undefined {
  return nearest(unknown.startsWith(prefix) ? unknown.slice(prefix.length) : unknown, known);
}

/** As many as a config may ask for: each block costs its names in every library's spelling. */
const BLOCKS_MAX = 1000;

/** Blocks that the names speak of; bounded by the names, since each block needs some. */
function blocksIn(names: Iterable<string>): number {
  const blocks = new Set<number>();
  let most = 0;
  for (const name of names) {
    const block = blockOf(name);
    if (block === undefined) continue;
    blocks.add(block);
    most = Math.max(most, block + 1);
  }
  return Math.min(most, 2 * blocks.size, BLOCKS_MAX);
}

function refuseDistilled(prefix: string, tensors: RawTensors): void {
  const distilled = ['dist_token', 'embeddings.distillation_token'];
  const found = distilled.find((name) => tensors.has(prefix + name));
  if (found === undefined) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `this is a distilled DeiT: its ${found} is a second class token, which this model does not have`,
    { hint: 'use the DeiT of the same size without distillation' },
  );
}

/** One tensor out of its parts, one behind the other along the first axis. */
function joinParts(parts: readonly SafeTensor[], names: readonly string[]): WeightTensor {
  const read = parts.map((part, index) => {
    const { shape, dtype } = part;
    return { shape, dtype, values: float32Of(part, names[index]) };
  });
  const [first] = read;
  assert(first !== undefined, 'a tensor has parts');
  if (read.length === 1) return { shape: first.shape, values: first.values, dtype: first.dtype };
  const rows = read.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const values = new Float32Array(read.reduce((sum, part) => sum + part.values.length, 0));
  let offset = 0;
  for (const part of read) {
    values.set(part.values, offset);
    offset += part.values.length;
  }
  return { shape: [rows, ...first.shape.slice(1)], values, dtype: first.dtype };
}
