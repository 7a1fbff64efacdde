/** @file The parameters of a ViT: one flat float32 vector, and the table that says what lies where. */
import { TesseraError } from '../core/errors.ts';
import { firstNonFinite } from '../core/floats.ts';
import { epsilonOf, type ModelConfig, numPatches } from './variants.ts';

/** One named tensor inside the flat vector. */
export interface ParameterEntry {
  /** timm's name, such as `blocks.0.attn.qkv.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its first value in the flat vector. */
  readonly offset: number;
  /** Number of values. */
  readonly size: number;
  /** Whether weight decay applies: to matrices, not to biases, norms, the class token and positions. */
  readonly decays: boolean;
  /** Depth of its layer: 0 the embedding, 1 the first block, ..., the head one above the last block. */
  readonly layer: number;
}

/** Where everything lies. `size` is the length of the flat vector. */
export interface ParameterTable {
  readonly entries: readonly ParameterEntry[];
  readonly size: number;
}

/** Grows whenever the same table would give other numbers: a change of vit.ts, loss.ts or the ops. */
const MODEL_REVISION = 2;

/** Tables of models: each leaf asks for that of its own several times. */
const tables = new WeakMap<ModelConfig, ParameterTable>();

/**
 * The parameters of a model in timm's names, shapes and order.
 *
 * Source  timm `VisionTransformer`; a linear layer's weight is [outputs, inputs].
 */
export function parameterTable(model: ModelConfig): ParameterTable {
  const known = tables.get(model);
  if (known !== undefined) return known;
  const table = layOut(model);
  tables.set(model, table);
  return table;
}

function layOut(model: ModelConfig): ParameterTable {
  const { width: D, mlpWidth, channels, patchSize: P, numClasses } = model;
  const shapes: [name: string, shape: number[]][] = [
    ['cls_token', [1, 1, D]],
    ['pos_embed', [1, numPatches(model) + 1, D]],
    ['patch_embed.proj.weight', [D, channels, P, P]],
    ['patch_embed.proj.bias', [D]],
  ];
  for (let block = 0; block < model.depth; block += 1) {
    const name = `blocks.${block}`;
    shapes.push(
      ...normShapes(`${name}.norm1`, D),
      ...linearShapes(`${name}.attn.qkv`, D, 3 * D),
      ...linearShapes(`${name}.attn.proj`, D, D),
      ...normShapes(`${name}.norm2`, D),
      ...linearShapes(`${name}.mlp.fc1`, D, mlpWidth),
      ...linearShapes(`${name}.mlp.fc2`, mlpWidth, D),
    );
  }
  shapes.push(...normShapes('norm', D), ...linearShapes('head', D, numClasses));
  let size = 0;
  const entries = shapes.map(([name, shape]) => {
    const entry = {
      name,
      shape,
      offset: size,
      size: product(shape),
      decays: decays(name, shape),
      layer: layerOf(name, model.depth),
    };
    size += entry.size;
    return entry;
  });
  return { entries, size };
}

/**
 * Values at the beginning of the flat vector that `freeze` keeps as they are: the embedding comes first, then
 * the blocks, the head last, so what is frozen is always a beginning and what trains always one slice.
 *
 * Throws  CONFIG_INVALID when there is no such block.
 */
export function frozenSize(model: ModelConfig, freeze: string): number {
  if (freeze === 'none') return 0;
  const blocks = Number(/^blocks<(\d+)$/.exec(freeze)?.[1] ?? model.depth + 1);
  const first =
    blocks < model.depth ? `blocks.${blocks}.` : blocks === model.depth ? 'norm.' : 'head.';
  const trainable = parameterTable(model).entries.find(({ name }) => name.startsWith(first));
  if (trainable !== undefined && (freeze === 'backbone' || blocks <= model.depth)) {
    return trainable.offset;
  }
  throw new TesseraError('CONFIG_INVALID', `model.freeze: ${freeze} of ${model.depth} blocks`, {
    hint: `choose none, backbone or at most blocks<${model.depth}`,
  });
}

/** Where the head begins in the flat vector: the whole of a frozen backbone. */
export function backboneSize(model: ModelConfig): number {
  return frozenSize(model, 'backbone');
}

/** The values of one tensor in a flat vector; nothing is copied. */
export function parameterView(
  flat: Float32Array,
  { offset, size }: Pick<ParameterEntry, 'offset' | 'size'>,
): Float32Array {
  return flat.subarray(offset, offset + size);
}

/** One flat vector of the values of all tensors, always a copy. `valuesOf` throws where a tensor does not fit. */
export function flatten(
  table: ParameterTable,
  valuesOf: (entry: ParameterEntry) => Float32Array,
): Float32Array {
  return joined(table, table.entries.map(valuesOf));
}

/** The same as a view where the values lie one behind the other. */
export function flattened(
  table: ParameterTable,
  valuesOf: (entry: ParameterEntry) => Float32Array,
): Float32Array {
  const values = table.entries.map(valuesOf);
  const [first] = values;
  const isOne =
    first !== undefined &&
    table.entries.every(({ offset }, at) => {
      const { buffer, byteOffset } = values[at] as Float32Array;
      return buffer === first.buffer && byteOffset === first.byteOffset + 4 * offset;
    });
  if (!isOne) return joined(table, values);
  return new Float32Array(first.buffer, first.byteOffset, table.size);
}

function joined({ entries, size }: ParameterTable, values: readonly Float32Array[]): Float32Array {
  // Only now: a file may describe a model that is larger than what it holds.
  const flat = new Float32Array(size);
  for (const [at, { offset }] of entries.entries()) flat.set(values[at] ?? [], offset);
  return flat;
}

/** Views of each tensor in a flat vector, by name; nothing is copied. */
export function parameterViews(
  flat: Float32Array,
  table: ParameterTable,
): Map<string, Float32Array> {
  return new Map(table.entries.map((entry) => [entry.name, parameterView(flat, entry)]));
}

/** Everything the numbers of a step depend on besides data and parameters, as one canonical text. */
export function modelSignature(spec: {
  readonly model: ModelConfig;
  readonly microBatch: number;
  readonly labelSmoothing: number;
  readonly frozen?: number;
  readonly dropout?: number;
  readonly stochasticDepth?: number;
  readonly mixes?: boolean;
  readonly weighsClasses?: boolean;
  readonly precision?: string;
  readonly transfer?: object;
  readonly gradients?: string;
}): string {
  const { model, microBatch, labelSmoothing } = spec;
  const { frozen = 0, dropout = 0, stochasticDepth = 0, mixes = false, precision = 'f32' } = spec;
  const tensors = parameterTable(model).entries.map(({ name, shape }) => `${name}[${shape}]`);
  const { normEpsilon } = epsilonOf(model.normEpsilon);
  return [
    `revision ${MODEL_REVISION}`,
    `image ${model.imageSize} patch ${model.patchSize} heads ${model.heads}`,
    `leaf ${microBatch} smoothing ${labelSmoothing}`,
    `frozen ${frozen} dropout ${dropout} depth ${stochasticDepth} mixes ${mixes}`,
    ...(normEpsilon === undefined ? [] : [`epsilon ${normEpsilon}`]),
    ...(precision === 'f32' ? [] : [`precision ${precision}`]),
    ...(spec.weighsClasses ? ['weights of classes'] : []),
    ...(spec.gradients === 'bf16' ? ['gradients bf16'] : []),
    ...(spec.transfer === undefined ? [] : [`transfer ${JSON.stringify(spec.transfer)}`]),
    ...tensors,
  ].join('\n');
}

function linearShapes(name: string, inputs: number, outputs: number): [string, number[]][] {
  return [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
}

function normShapes(name: string, width: number): [string, number[]][] {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}

function decays(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 && name !== 'cls_token' && name !== 'pos_embed';
}

/** Source  the layers of timm's layer-wise decay: tokens and positions belong to the embedding, the last norm to the last block. */
function layerOf(name: string, depth: number): number {
  const block = /^blocks\.(\d+)\./.exec(name)?.[1];
  if (block !== undefined) return Number(block) + 1;
  if (name.startsWith('head.')) return depth + 1;
  return name.startsWith('norm.') ? depth : 0;
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}

/** The first NaN or infinity among parameters, as `head.weight holds NaN`; undefined when all are finite. */
export function brokenTensor(flat: Float32Array, { entries }: ParameterTable): string | undefined {
  const index = firstNonFinite(flat);
  if (index < 0) return undefined;
  const name = entries.find(({ offset, size }) => index < offset + size)?.name;
  return `${name} holds ${flat[index]}`;
}
