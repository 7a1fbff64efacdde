/** @file Pretrained weights as the parameters of a model: what fits is taken, what does not is listed. */
import { TesseraError } from '../../core/errors.ts';
import { type ParameterEntry, parameterTable } from '../parameters.ts';
import { resamplePositions } from '../positions.ts';
import { type ModelConfig, numPatches } from '../variants.ts';
import { nearestName, type Weights, type WeightTensor } from './weights.ts';

/** What is fitted to what. */
export interface FitOptions {
  readonly weights: Weights;
  readonly model: ModelConfig;
  /** `new`: zeros for the classes of the model (the paper, section 3.2); `keep`: the head of the weights. */
  readonly head: 'new' | 'keep';
  /** Where the weights come from, for messages. */
  readonly path: string;
}

/** Most lines of one kind in a message. */
const LISTED_MAX = 12;

/**
 * The parameters of a model from pretrained weights. Position embeddings of another resolution are resampled.
 *
 * Shapes  flat, in table order.
 * Throws  CHECKPOINT_MISMATCH, listing every tensor that is missing, unknown, or of another shape.
 */
export function fitParameters(options: FitOptions): Float32Array {
  const { weights, model, head, path } = options;
  const { entries, size } = parameterTable(model);
  const wanted = entries.filter(({ name }) => head === 'keep' || !name.startsWith('head.'));
  const missing = wanted.filter(({ name }) => !weights.tensors.has(name));
  const differing: string[] = [];
  const fitting: [Float32Array, offset: number][] = [];
  for (const entry of wanted) {
    const tensor = weights.tensors.get(entry.name);
    if (tensor === undefined) continue;
    const values = valuesFor(entry, tensor, model);
    if (values === undefined) {
      differing.push(`${entry.name}: [${tensor.shape}] there, [${entry.shape}] in this model`);
    } else {
      fitting.push([values, entry.offset]);
    }
  }
  const problems = [
    ...listed('missing', missing, ({ name }) => name),
    ...listed('of another shape', differing, (line) => line),
    ...listed('unknown', [...weights.unknown, ...surplus(weights, entries)], (name) => {
      const near = nearestName(weights, name);
      return near === undefined || near === name ? name : `${name} (nearest: ${near})`;
    }),
  ];
  if (problems.length > 0) {
    throw new TesseraError('CHECKPOINT_MISMATCH', `${path} does not fit:`, {
      lines: problems,
      hint: 'tessera weights inspect shows which model the weights are of; set `model` to it',
    });
  }
  // Only now: a file may name sizes that it has no values for.
  const flat = new Float32Array(size);
  for (const [values, offset] of fitting) flat.set(values, offset);
  return flat;
}

/** Parameters of blocks that the model does not have. */
function surplus(weights: Weights, entries: readonly ParameterEntry[]): string[] {
  const known = new Set(entries.map(({ name }) => name));
  return [...weights.tensors.keys()].filter((name) => !known.has(name));
}

/** The values of one parameter; undefined when its shape is another. */
function valuesFor(
  { name, shape }: ParameterEntry,
  tensor: WeightTensor,
  model: ModelConfig,
): Float32Array | undefined {
  if (name === 'pos_embed' && tensor.shape.length === 3) {
    const [one, , width] = tensor.shape;
    if (one !== 1 || width !== model.width) return undefined;
    const side = Math.sqrt(numPatches(model));
    return resamplePositions({ positions: tensor.values, width, side });
  }
  const isSame =
    shape.length === tensor.shape.length && shape.every((n, i) => n === tensor.shape[i]);
  return isSame ? tensor.values : undefined;
}

function listed<T>(kind: string, items: readonly T[], line: (item: T) => string): string[] {
  if (items.length === 0) return [];
  const lines = items.slice(0, LISTED_MAX).map((item) => `    ${line(item)}`);
  const more = items.length - lines.length;
  if (more > 0) lines.push(`    and ${more} more`);
  return [`  ${kind}:`, ...lines];
}
