/** @file Pretrained weights in timm's names, whoever's names they had in their file. */
import { nearest } from '../../config/problems.ts';
import { assert, TesseraError } from '../../core/errors.ts';
import { float32Of, type SafeTensor } from '../../formats/safetensors.ts';
import { isUnused, NAMINGS, type Naming, type Spelling, spellings, unwrapped } from './names.ts';

/** One parameter. */
export interface WeightTensor {
  readonly shape: readonly number[];
  /** A view of the file where it stores float32. */
  readonly values: Float32Array;
  /** How the file stores it. */
  readonly dtype: string;
}

/** What a file or folder says of its model beside the tensors. */
export interface WeightsInfo {
  readonly heads?: number | undefined;
  readonly imageSize?: number | undefined;
  /** Names of the classes, in the order of the logits. */
  readonly classes?: readonly string[] | undefined;
  /** Per-channel mean and deviation of the pixels (0..1) that the model was trained on. */
  readonly mean?: readonly number[] | undefined;
  readonly deviation?: readonly number[] | undefined;
}

/** Weights that were read. */
export interface Weights {
  /** By timm's names; a name that fits nothing stays as it was. */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly naming: Naming;
  /** Names of the file that fit nothing. */
  readonly unknown: readonly string[];
  /** Names of the file that a classifier has no use for. */
  readonly unused: readonly string[];
  /** The library's own names, for a nearest one. */
  readonly known: readonly string[];
  readonly info: WeightsInfo;
}

/** Tensors by the names of their file. */
export type RawTensors = ReadonlyMap<string, SafeTensor>;

/**
 * Gives tensors timm's names.
 *
 * Throws  CHECKPOINT_MISMATCH when no name is that of a ViT, or when it is a distilled DeiT;
 *         DATA_INVALID when a tensor is neither f32 nor f16 nor bf16.
 */
export function renameWeights(raw: RawTensors, info: WeightsInfo = {}): Weights {
  const byName = new Map([...raw].map(([name, tensor]) => [unwrapped(name), tensor]));
  refuseDistilled(byName);
  const { naming, table } = recognise(byName);
  const tensors = new Map<string, WeightTensor>();
  const taken = new Set<string>();
  for (const { ours, theirs } of table) {
    const parts = theirs.map((name) => byName.get(name));
    if (tensors.has(ours) || !parts.every((part) => part !== undefined)) continue;
    tensors.set(ours, joinParts(parts, theirs));
    for (const name of theirs) taken.add(name);
  }
  const left = [...raw.keys()].filter((name) => !taken.has(unwrapped(name)));
  return {
    tensors,
    naming,
    unknown: left.filter((name) => !isUnused(unwrapped(name))),
    unused: left.filter((name) => isUnused(unwrapped(name))),
    known: table.flatMap(({ theirs }) => theirs),
    info,
  };
}

/** What a name that fits nothing was probably meant to be. */
export function nearestName({ known }: Weights, unknown: string): string | undefined {
  return nearest(unwrapped(unknown), known);
}

/** The library in whose names most tensors are. */
function recognise(byName: RawTensors): { naming: Naming; table: readonly Spelling[] } {
  const depth = blocksIn(byName.keys());
  const candidates = NAMINGS.map((naming) => {
    const table = spellings(naming, depth);
    const hits = table.flatMap(({ theirs }) => theirs).filter((name) => byName.has(name)).length;
    return { naming, table, hits };
  });
  const best = candidates.reduce((a, b) => (b.hits > a.hits ? b : a));
  if (best.hits > 0) return best;
  const found = [...byName.keys()].slice(0, 3).join(', ');
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `not one name is that of a Vision Transformer (it has ${found || 'no tensors'})`,
    { hint: 'names of timm, torchvision, Hugging Face ViT and DeiT are known: docs/weights.md' },
  );
}

/** As many as a config may ask for: each block costs its names in every library's spelling. */
const BLOCKS_MAX = 1000;

/** Blocks that the names speak of; bounded by the names, since each block needs some. */
function blocksIn(names: Iterable<string>): number {
  const blocks = new Set<number>();
  let most = 0;
  for (const name of names) {
    const block =
      /^(?:blocks|encoder\.layer|layers|encoder\.layers)\.(?:encoder_layer_)?(\d+)\./.exec(
        name,
      )?.[1];
    if (block === undefined) continue;
    blocks.add(Number(block));
    most = Math.max(most, Number(block) + 1);
  }
  return Math.min(most, 2 * blocks.size, BLOCKS_MAX);
}

function refuseDistilled(byName: RawTensors): void {
  const distilled = [
    'dist_token',
    'embeddings.distillation_token',
    'deit.embeddings.distillation_token',
  ];
  const found = distilled.find((name) => byName.has(name));
  if (found === undefined) return;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `this is a distilled DeiT: its ${found} is a second class token, which this model does not have`,
    { hint: 'take the DeiT of the same size without distillation' },
  );
}

/** One tensor out of its parts, one behind the other along the first axis. */
function joinParts(parts: readonly SafeTensor[], names: readonly string[]): WeightTensor {
  const read = parts.map((part, index) => ({ ...part, values: float32Of(part, names[index]) }));
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
