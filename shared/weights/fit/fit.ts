/** @file Turns pretrained weights into the parameters of a model, and lists what does not fit. */
import { TesseraError } from '../../core/errors.ts';
import { firstNonFinite } from '../../core/floats.ts';
import { type ParameterEntry, parameterTable } from '../../model/parameters.ts';
import { resamplePositions } from '../../model/positions.ts';
import { type ModelConfig, NORM_EPSILON, numPatches } from '../../model/variants.ts';
import { nearestName, type Weights, type WeightTensor } from '../names/rename.ts';
import { adaptChannels } from './channels.ts';
import { matchClasses, withHeadRows } from './classes.ts';

/** The inputs of the fit. */
export interface FitOptions {
  readonly weights: Weights;
  readonly model: ModelConfig;
  /** `new`: zeros for the classes of the model (the paper, section 3.2); `keep`: the head of the weights. */
  readonly head: 'new' | 'keep';
  /** The source of the weights, for messages. */
  readonly path: string;
  /** Classes of the data set, if there is one: a kept head is reordered to match them, by name. */
  readonly classes?: readonly string[] | undefined;
}

/** Maximum lines of one kind in a message. */
const LISTED_MAX = 12;

/** Parameters of a model, with notes about conversions. */
export interface FittedWeights {
  /** Flat, in table order. */
  readonly parameters: Float32Array;
  /** Notes about what was converted or ignored. */
  readonly notes: readonly string[];
}

/**
 * The parameters of a model from pretrained weights. Position embeddings of another resolution are resampled, and the
 * patch embedding is converted to the model's number of channels.
 *
 * Throws  CHECKPOINT_MISMATCH, listing every tensor that is missing, unknown, or of another shape; NON_FINITE, listing
 *         those with a NaN or an infinity.
 */
export function fitWeights(options: FitOptions): FittedWeights {
  const { model, head, path } = options;
  const { weights, note } = inOrderOfData(options);
  const { entries, size } = parameterTable(model);
  const wanted = entries.filter(({ name }) => head === 'keep' || !name.startsWith('head.'));
  const missing = wanted.filter(({ name }) => !weights.tensors.has(name));
  const differing: string[] = [];
  const fitting: [Float32Array, offset: number][] = [];
  const notes: string[] = [];
  for (const entry of wanted) {
    const tensor = weights.tensors.get(entry.name);
    if (tensor === undefined) continue;
    const fitted = valuesFor(entry, tensor, model);
    if (fitted === undefined) {
      differing.push(`${entry.name}: [${tensor.shape}] there, [${entry.shape}] in this model`);
    } else {
      fitting.push([fitted.values, entry.offset]);
      if (fitted.note !== undefined) notes.push(fitted.note);
    }
  }
  refuseProblems(
    path,
    [
      ...listed('missing', missing, ({ name }) => name),
      ...listed('of another shape', differing, (line) => line),
      ...listed('unknown', [...weights.unknown, ...surplus(weights, entries)], (name) => {
        const near = nearestName(weights, name);
        return near === undefined || near === name ? name : `${name} (nearest: ${near})`;
      }),
      ...(head === 'new' ? [] : headProblems(weights)),
    ],
    hintFor(missing, weights),
  );
  refuseBroken(path, weights, wanted);
  // Only now: a file may name sizes that it has no values for.
  const parameters = new Float32Array(size);
  for (const [values, offset] of fitting) parameters.set(values, offset);
  const left = head === 'new' ? [...weights.unused, ...weights.besideHead] : weights.unused;
  return {
    parameters,
    notes: [
      ...weights.notes,
      ...statedElsewhere(weights, model),
      ...notes,
      ...(note ?? []),
      ...leftNote(left),
    ],
  };
}

/** A kept head, with its rows in the order of the data's classes. Throws  CHECKPOINT_MISMATCH for other classes. */
function inOrderOfData({ weights, head, path, classes }: FitOptions): {
  readonly weights: Weights;
  readonly note?: readonly string[];
} {
  const rows = weights.tensors.get('head.weight')?.shape[0];
  if (head === 'new' || classes === undefined || rows === undefined) return { weights };
  const { rowOf, note } = matchClasses({
    head: weights.info.classes?.value,
    rows,
    data: classes,
    path,
    hint: 'rename the class folders, or start with a new head: model.init.head: new',
  });
  return { weights: withHeadRows(weights, rowOf), ...(note !== undefined && { note: [note] }) };
}

/** The stated facts of a file must hold in the model that uses its weights: no shape would show a difference. */
function statedElsewhere({ info }: Weights, model: ModelConfig): string[] {
  const { heads, normEpsilon } = info;
  const epsilon = model.normEpsilon ?? NORM_EPSILON;
  if (heads?.source === 'file' && heads.value !== model.heads) {
    const sentence = `${heads.where} states ${heads.value} attention heads, not ${model.heads}`;
    throw new TesseraError('CHECKPOINT_MISMATCH', sentence, {
      hint: `set model.heads to ${heads.value}`,
    });
  }
  if (normEpsilon?.source !== 'file' || normEpsilon.value === epsilon) return [];
  const values = `the weights were trained with ${normEpsilon.value} in their norms, this model has ${epsilon}`;
  return [`${values}: model.normEpsilon sets it`];
}

const HINT = 'tessera weights inspect shows which model the weights are of; set `model` to it';

/** A backbone without a head is valid: it needs a new one. */
function hintFor(missing: readonly ParameterEntry[], { headCandidates }: Weights): string {
  const isHead = ({ name }: ParameterEntry) => name.startsWith('head.');
  if (missing.length === 0 || headCandidates.length > 0 || !missing.every(isHead)) return HINT;
  return 'these weights have no head to classify with: train a new one with model.init.head: new';
}

function refuseProblems(path: string, problems: readonly string[], hint: string): void {
  if (problems.length === 0) return;
  throw new TesseraError('CHECKPOINT_MISMATCH', `${path} does not fit:`, {
    lines: problems,
    hint,
  });
}

/** With one NaN or infinity in it, every output of a model is NaN. */
function refuseBroken(path: string, { tensors }: Weights, wanted: readonly ParameterEntry[]): void {
  const broken = wanted.filter(({ name }) => {
    const values = tensors.get(name)?.values;
    return values && firstNonFinite(values) >= 0;
  });
  if (broken.length === 0) return;
  throw new TesseraError('NON_FINITE', `${path} cannot be used:`, {
    lines: listed('with values that are NaN or infinite', broken, ({ name }) => name),
    hint: 'their training diverged, or f16 cannot hold them: use an earlier checkpoint',
  });
}

/** Why the head of a file cannot be kept. */
function headProblems({ headCandidates, besideHead }: Weights): string[] {
  return [
    ...listed('more than one layer may be the head', headCandidates, (name) => name),
    ...listed('a head of more than one linear layer', besideHead, (name) => name),
  ];
}

/** Names in a note. */
const LEFT_NAMED_MAX = 3;

/** How many tensors were not used, and the first of them. */
function leftNote(left: readonly string[]): string[] {
  if (left.length === 0) return [];
  const named = left.slice(0, LEFT_NAMED_MAX).join(', ');
  const more = left.length > LEFT_NAMED_MAX ? ', ...' : '';
  const tensors = left.length === 1 ? '1 tensor' : `${left.length} tensors`;
  return [`${tensors} not used: ${named}${more}`];
}

/** Parameters of blocks that the model does not have. */
function surplus(weights: Weights, entries: readonly ParameterEntry[]): string[] {
  const known = new Set(entries.map(({ name }) => name));
  return [...weights.tensors.keys()].filter((name) => !known.has(name));
}

interface FittedValues {
  readonly values: Float32Array;
  /** What was done to them. */
  readonly note?: string;
}

/** The values of one parameter; undefined when its shape is another. */
function valuesFor(
  { name, shape }: ParameterEntry,
  tensor: WeightTensor,
  model: ModelConfig,
): FittedValues | undefined {
  if (name === 'pos_embed' && tensor.shape.length === 3) {
    const [one, , width] = tensor.shape;
    if (one !== 1 || width !== model.width) return undefined;
    const side = Math.sqrt(numPatches(model));
    const values = resamplePositions({ positions: tensor.values, width, side });
    const before = Math.sqrt(tensor.values.length / width - 1);
    const note = `position embeddings of ${before} x ${before} patches are resampled to ${side} x ${side}`;
    return before === side ? { values } : { values, note };
  }
  if (areSame(shape, tensor.shape)) return { values: tensor.values };
  if (name !== 'patch_embed.proj.weight') return undefined;
  const { shape: own } = tensor;
  const [rows = 0, channels = 0, height = 0, width = 0] = own;
  if (own.length !== 4 || !areSame(shape, [rows, model.channels, height, width])) return undefined;
  const values = adaptChannels(tensor.values, {
    from: channels,
    to: model.channels,
    height,
    width,
  });
  const how = model.channels === 1 ? 'summed up' : 'repeated and scaled';
  const note = `the patch embedding of ${channels} channels is ${how} for ${model.channels}, as timm does`;
  return values && { values, note };
}

function areSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((side, axis) => side === other[axis]);
}

function listed<T>(kind: string, items: readonly T[], line: (item: T) => string): string[] {
  if (items.length === 0) return [];
  const lines = items.slice(0, LISTED_MAX).map((item) => `    ${line(item)}`);
  const more = items.length - lines.length;
  if (more > 0) lines.push(`    and ${more} more`);
  return [`  ${kind}:`, ...lines];
}
