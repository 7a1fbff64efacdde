/**
 * @file What a model is made of and what it costs: layers, shapes, parameters, multiply-adds, memory. Pure.
 *
 * A linear layer of I inputs and O outputs on R rows takes R * I * O multiply-adds, and attention 2 * T * T * D
 * for its two products; norms, softmax and GELU are left out, as the published figures leave them out.
 */
import { type ParameterEntry, parameterTable } from '../../shared/model/parameters.ts';
import { type ModelConfig, numPatches } from '../../shared/model/variants.ts';

/** One line of the summary. */
export interface LayerSummary {
  /** timm's name of the module; the first is the model itself. */
  readonly name: string;
  /** What kind of layer it is. */
  readonly kind: string;
  /** Levels below the model. */
  readonly depth: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly parameters: number;
  readonly trainable: number;
  /** For the whole batch. */
  readonly multiplyAdds: number;
}

/** The whole summary. Units  bytes are of float32. */
export interface ModelSummary {
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly trainable: number;
  readonly multiplyAdds: number;
  readonly inputBytes: number;
  readonly parameterBytes: number;
  /** What a forward pass keeps for the backward pass: the outputs of all layers that have any. */
  readonly activationBytes: number;
}

/** How a model is to be summed up. */
export interface SummaryOptions {
  readonly batch: number;
  /** Values at the beginning of the parameters that do not train. */
  readonly frozen: number;
}

const FLOAT_BYTES = 4;

/** A layer before its parameters are looked up. */
type Row = Omit<LayerSummary, 'parameters' | 'trainable'>;

/** Sums a model up, layer by layer. */
export function summarise(model: ModelConfig, options: SummaryOptions): ModelSummary {
  const { batch, frozen } = options;
  const { entries, size } = parameterTable(model);
  const layers = rowsOf(model, batch).map((row) => {
    const own = entries.filter(({ name }) => isWithin(name, row.name));
    return {
      ...row,
      parameters: total(own),
      trainable: total(own.filter((e) => e.offset >= frozen)),
    };
  });
  const leaves = layers.filter(
    ({ multiplyAdds }) => multiplyAdds > 0 || Number.isNaN(multiplyAdds),
  );
  const image = [batch, model.channels, model.imageSize, model.imageSize];
  return {
    layers: layers.map((layer) => ({ ...layer, multiplyAdds: layer.multiplyAdds || 0 })),
    parameters: size,
    trainable: size - frozen,
    multiplyAdds: leaves.reduce((sum, layer) => sum + (layer.multiplyAdds || 0), 0),
    inputBytes: FLOAT_BYTES * product(image),
    parameterBytes: FLOAT_BYTES * size,
    activationBytes: FLOAT_BYTES * leaves.reduce((sum, { output }) => sum + product(output), 0),
  };
}

/** Layers in the order of the forward pass; NaN multiply-adds mark layers that are not counted but keep outputs. */
function rowsOf(model: ModelConfig, B: number): Row[] {
  const { channels: C, imageSize: S, patchSize: P, width: D, mlpWidth: M, heads: H } = model;
  const N = numPatches(model);
  const T = N + 1;
  const side = S / P;
  const tokens = [B, T, D];
  const row = (
    depth: number,
    name: string,
    kind: string,
    shapes: readonly [readonly number[], readonly number[]],
    multiplyAdds: number,
  ): Row => ({ name, kind, depth, input: shapes[0], output: shapes[1], multiplyAdds });
  const linear = (depth: number, name: string, inputs: number, outputs: number) =>
    row(
      depth,
      name,
      'Linear',
      [
        [B, T, inputs],
        [B, T, outputs],
      ],
      B * T * inputs * outputs,
    );
  const norm = (depth: number, name: string) =>
    row(depth, name, 'LayerNorm', [tokens, tokens], Number.NaN);
  const block = (at: number): Row[] => {
    const name = `blocks.${at}`;
    return [
      row(1, name, 'EncoderBlock', [tokens, tokens], 0),
      norm(2, `${name}.norm1`),
      row(2, `${name}.attn`, `Attention, ${H} heads`, [tokens, tokens], 2 * B * T * T * D),
      linear(3, `${name}.attn.qkv`, D, 3 * D),
      linear(3, `${name}.attn.proj`, D, D),
      norm(2, `${name}.norm2`),
      row(2, `${name}.mlp`, 'MLP', [tokens, tokens], 0),
      linear(3, `${name}.mlp.fc1`, D, M),
      linear(3, `${name}.mlp.fc2`, M, D),
    ];
  };
  const image = [B, C, S, S];
  const logits = [B, model.numClasses];
  return [
    row(0, '', 'VisionTransformer', [image, logits], 0),
    row(1, 'patch_embed.proj', 'Patches', [image, [B, D, side, side]], B * N * C * P * P * D),
    row(1, 'cls_token', 'ClassToken', [[B, N, D], tokens], Number.NaN),
    row(1, 'pos_embed', 'Positions', [tokens, tokens], Number.NaN),
    ...Array.from({ length: model.depth }, (_, at) => block(at)).flat(),
    row(
      1,
      'norm',
      'LayerNorm',
      [
        [B, D],
        [B, D],
      ],
      Number.NaN,
    ),
    row(1, 'head', 'Linear', [[B, D], logits], B * D * model.numClasses),
  ];
}

/** Whether a parameter belongs to a module, or is it. */
function isWithin(parameter: string, module: string): boolean {
  return module === '' || parameter === module || parameter.startsWith(`${module}.`);
}

function total(entries: readonly ParameterEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}
