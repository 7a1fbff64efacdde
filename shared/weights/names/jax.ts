/**
 * @file The weights of the ViT paper's authors (AugReg, big_vision): Flax's names and layouts, given those of timm.
 *
 * A kernel there has its inputs first, a patch embedding its channels behind its pixels, and attention keeps its heads
 * apart, so that their number is a fact of the file.
 *
 * Source  timm's `_load_weights` for which is which; flax.linen for the layouts.
 */
import { TesseraError } from '../../core/errors.ts';
import type { SafeTensor } from '../formats/safetensors.ts';
import { gather } from '../formats/strided.ts';

type Tensors = ReadonlyMap<string, SafeTensor>;

/** Tensors in timm's names. */
export interface FromJax {
  readonly tensors: Tensors;
  readonly heads: number | undefined;
}

/** As many as a config may ask for. */
const BLOCKS_MAX = 1000;
const ANCHOR = 'embedding/kernel';
const STACKED = /^Transformer\/encoderblock\/(.*)$/;
const BLOCK = /^Transformer\/encoderblock_(\d{1,6})\/(.*)$/;

/** Names outside of the blocks. A kernel's name leads to its layout below. */
const NAMES: Readonly<Record<string, string>> = {
  cls: 'cls_token',
  'embedding/kernel': 'patch_embed.proj.weight',
  'embedding/bias': 'patch_embed.proj.bias',
  'Transformer/posembed_input/pos_embedding': 'pos_embed',
  pos_embedding: 'pos_embed',
  'Transformer/encoder_norm/scale': 'norm.weight',
  'Transformer/encoder_norm/bias': 'norm.bias',
  'head/kernel': 'head.weight',
  'head/bias': 'head.bias',
};

/** Names inside of a block: the number behind a module differs between the two code bases. */
const BLOCK_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^LayerNorm_0\/scale$/, 'norm1.weight'],
  [/^LayerNorm_0\/bias$/, 'norm1.bias'],
  [/^LayerNorm_[12]\/scale$/, 'norm2.weight'],
  [/^LayerNorm_[12]\/bias$/, 'norm2.bias'],
  [/^MultiHeadDotProductAttention_[01]\/out\/kernel$/, 'attn.proj.weight'],
  [/^MultiHeadDotProductAttention_[01]\/out\/bias$/, 'attn.proj.bias'],
  [/^MlpBlock_[03]\/Dense_0\/kernel$/, 'mlp.fc1.weight'],
  [/^MlpBlock_[03]\/Dense_0\/bias$/, 'mlp.fc1.bias'],
  [/^MlpBlock_[03]\/Dense_1\/kernel$/, 'mlp.fc2.weight'],
  [/^MlpBlock_[03]\/Dense_1\/bias$/, 'mlp.fc2.bias'],
];
const QUERY = /^(MultiHeadDotProductAttention_[01])\/(query)\/(kernel|bias)$/;

/**
 * Converts Flax's tensors to timm's names and layouts; undefined if they are not a ViT of Flax. Tensors without a
 * name in timm stay as they are.
 *
 * Throws  CHECKPOINT_MISMATCH when there are two models, or attention is of a layout that is not known.
 */
export function fromJax(raw: Tensors): FromJax | undefined {
  const anchors = [...raw.keys()].filter((name) => /(?:^|\/)embedding\/kernel$/.test(name));
  const [anchor] = anchors;
  if (anchor === undefined) return undefined;
  if (anchors.length > 1)
    throw mismatch(`there are ${anchors.length} models: ${anchors.join(', ')}`);
  const prefix = anchor.slice(0, -ANCHOR.length);
  const inner = unstacked(
    new Map(
      [...raw].map(([name, it]) => [
        name.startsWith(prefix) ? name.slice(prefix.length) : name,
        it,
      ]),
    ),
  );
  const { tensors, used, headCounts } = joinAttention(inner);
  for (const [name, tensor] of inner) {
    if (!used.has(name)) tensors.set(timmName(name) ?? name, inTimmsLayout(name, tensor));
  }
  if (headCounts.size > 1) throw mismatch('its blocks have different numbers of attention heads');
  return { tensors, heads: [...headCounts][0] };
}

interface JoinedAttention {
  readonly tensors: Map<string, SafeTensor>;
  /** Names of the parts. */
  readonly used: ReadonlySet<string>;
  readonly headCounts: ReadonlySet<number>;
}

/** Query, key and value of each block as one tensor. */
function joinAttention(inner: Tensors): JoinedAttention {
  const tensors = new Map<string, SafeTensor>();
  const headCounts = new Set<number>();
  const used = new Set<string>();
  for (const [name, { shape }] of inner) {
    const [, block = '', rest = ''] = BLOCK.exec(name) ?? [];
    const [, module = '', query, leaf = ''] = QUERY.exec(rest) ?? [];
    if (query === undefined) continue;
    const before = `Transformer/encoderblock_${block}/${module}`;
    const parts = ['query', 'key', 'value'].map((part) => `${before}/${part}/${leaf}`);
    const found = parts.map((part) => inner.get(part));
    if (!found.every((part) => part !== undefined)) continue;
    const isKernel = leaf === 'kernel';
    if (isKernel) headCounts.add(shape[1] ?? 0);
    const ours = `blocks.${block}.attn.qkv.${isKernel ? 'weight' : 'bias'}`;
    tensors.set(ours, joinRows(found, parts));
    for (const part of parts) used.add(part);
  }
  return { tensors, used, headCounts };
}

function timmName(name: string): string | undefined {
  const [, block, rest = ''] = BLOCK.exec(name) ?? [];
  if (block === undefined) return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  const ours = BLOCK_NAMES.find(([pattern]) => pattern.test(rest))?.[1];
  return ours === undefined ? undefined : `blocks.${block}.${ours}`;
}

/** big_vision keeps all blocks in one tensor, a block behind the other: as many tensors of one block. */
function unstacked(tensors: Tensors): Tensors {
  const apart = new Map<string, SafeTensor>();
  for (const [name, tensor] of tensors) {
    const inner = STACKED.exec(name)?.[1];
    const [depth = 0, ...shape] = tensor.shape;
    if (inner === undefined || depth > BLOCKS_MAX) apart.set(name, tensor);
    else {
      const size = tensor.bytes.length / depth;
      for (let block = 0; block < depth; block += 1) {
        const bytes = tensor.bytes.subarray(block * size, (block + 1) * size);
        apart.set(`Transformer/encoderblock_${block}/${inner}`, { ...tensor, shape, bytes });
      }
    }
  }
  return apart;
}

/** Kernels with their outputs first; all others as they are. */
function inTimmsLayout(name: string, tensor: SafeTensor): SafeTensor {
  const { shape } = tensor;
  if (!name.endsWith('/kernel')) return tensor;
  if (name === ANCHOR && shape.length === 4) {
    const [height = 0, width = 0, channels = 0, out = 0] = shape;
    return strided(name, tensor, {
      shape: [out, channels, height, width],
      strides: [1, out, width * channels * out, channels * out],
    });
  }
  if (shape.length < 2) return tensor;
  // Of attention's `out`, [heads, width of a head, outputs]: the heads one behind the other.
  const [outputs = 0] = shape.slice(-1);
  return transposed(
    name,
    tensor,
    shape.slice(0, -1).reduce((a, b) => a * b, 1),
    outputs,
  );
}

/** q, k and v, one behind the other. Shapes  kernels [D, heads, D / heads], biases [heads, D / heads]. */
function joinRows(parts: readonly SafeTensor[], names: readonly string[]): SafeTensor {
  const [first, ...others] = parts as [SafeTensor, ...SafeTensor[]];
  const isSame = others.every(
    (part) => part.dtype === first.dtype && `${part.shape}` === `${first.shape}`,
  );
  const [inputs = 0, ...outputs] = first.shape;
  const isKernel = names[0]?.endsWith('kernel') ?? false;
  if (!isSame || first.shape.length !== (isKernel ? 3 : 2)) {
    throw mismatch(`${names[0]} has the shape [${first.shape}], which is not that of attention`);
  }
  const rows = outputs.reduce((a, b) => a * b, 1);
  const ready = parts.map((part, at) =>
    isKernel
      ? transposed(names[at] ?? '', part, inputs, rows)
      : { ...part, shape: [inputs * rows] },
  );
  const [{ shape = [] } = {}] = ready;
  const size = first.bytes.length;
  const bytes = new Uint8Array(3 * size);
  for (const [at, part] of ready.entries()) bytes.set(part.bytes, at * size);
  return { dtype: first.dtype, shape: [3 * (shape[0] ?? 0), ...shape.slice(1)], bytes };
}

/** Shapes  [inputs, outputs] -> [outputs, inputs]. */
function transposed(name: string, tensor: SafeTensor, inputs: number, outputs: number): SafeTensor {
  return strided(name, tensor, { shape: [outputs, inputs], strides: [1, outputs] });
}

function strided(
  name: string,
  tensor: SafeTensor,
  { shape, strides }: { shape: readonly number[]; strides: readonly number[] },
): SafeTensor {
  const { dtype, bytes: stored } = tensor;
  const size = shape.reduce((product, side) => product * side, 1);
  const width = size === 0 ? 1 : stored.length / size;
  const budget = { left: stored.length };
  return {
    dtype,
    shape,
    bytes: gather(name, { shape, strides, offset: 0, width, stored }, budget),
  };
}

function mismatch(what: string): TesseraError {
  return new TesseraError('CHECKPOINT_MISMATCH', what, {
    hint: 'files of AugReg and big_vision with one ViT in them can be loaded',
  });
}
