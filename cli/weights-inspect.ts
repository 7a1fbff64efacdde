/** @file `tessera weights inspect`: whose weights they are, and of which model. */
import { modelFileIn } from '../coordinator/model-file.ts';
import { formatBytes } from '../shared/core/units.ts';
import { inferModel } from '../shared/model/pretrained/infer.ts';
import { readWeights, type WeightsFile } from '../shared/weights/read.ts';
import { formatTable } from './table.ts';
import { print, printJson, someOf } from './talk.ts';

/** Flags of `weights inspect`. */
export interface InspectOptions {
  readonly path: string;
  readonly tensors?: true;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly json?: true;
}

/** Shows what some weights are. Throws  DATA_INVALID, CHECKPOINT_MISMATCH. */
export async function inspectWeights(options: InspectOptions): Promise<void> {
  const { path, tensors, json, weightsKey: key } = options;
  const weights = await readWeights((await modelFileIn(path)) ?? path, { key });
  const inferred = inferModel(weights);
  const parameters = [...weights.tensors.values()].reduce((sum, t) => sum + t.values.length, 0);
  const dtypes = [...new Set([...weights.tensors.values()].map(({ dtype }) => dtype))];
  if (json) {
    const { format, naming, nesting, prefix, unknown, unused, info } = weights;
    const { besideHead, headCandidates, notes: found } = weights;
    printJson({
      schema: 'weights/1',
      ...{ path: weights.path, format, naming, nesting, dtypes, parameters, ...inferred },
      ...{ classes: info.classes, unknown, unused, besideHead, headCandidates },
      ...{ prefix, steppedOver: Object.fromEntries(weights.steppedOver ?? []) },
      notes: [...found, ...inferred.notes],
      tensors: [...weights.tensors].map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
    });
    return;
  }
  const { model, variant, notes } = inferred;
  const shape = `width ${model.width}, depth ${model.depth}, heads ${model.heads}, MLP ${model.mlpWidth}`;
  const fact = (label: string, value: string) => `${label.padEnd(12)} ${value}`;
  print([
    fact('format', weights.format + (weights.nesting ? `, under "${weights.nesting}"` : '')),
    fact('names', `of ${weights.naming}`),
    fact('dtype', dtypes.join(', ')),
    fact('model', `${variant === undefined ? '' : `ViT-${variant}: `}${shape}`),
    fact('input', `${model.channels} x ${model.imageSize} x ${model.imageSize} pixels`),
    fact('classes', model.numClasses === 0 ? 'no head' : String(model.numClasses)),
    fact('parameters', `${parameters.toLocaleString('en-US')}, ${formatBytes(4 * parameters)}`),
    ...[...weights.notes, ...notes].map((note) => fact('note', note)),
    ...steppedOver(weights).map((names) => fact('stepped over', names)),
    ...weights.unused.map((name) => fact('not used', name)),
    ...weights.headCandidates.map((name) => fact('head?', name)),
    ...weights.besideHead.map((name) => fact('beside head', name)),
    ...weights.unknown.map((name) => fact('unknown', name)),
    ...(tensors ? ['', ...tensorLines(weights)] : []),
  ]);
}

/** Objects of Python that are no tensors, with their count. */
function steppedOver({ steppedOver = new Map() }: WeightsFile): string[] {
  if (steppedOver.size === 0) return [];
  const counts = [...steppedOver].map(([name, count]) => (count > 1 ? `${name} (${count})` : name));
  return [someOf(counts)];
}

function tensorLines({ tensors }: WeightsFile): readonly string[] {
  const rows = [...tensors].map(([name, { shape, dtype }]) => [
    name,
    dtype,
    `[${shape.join(',')}]`,
  ]);
  return formatTable([{ title: 'TENSOR' }, { title: 'DTYPE' }, { title: 'SHAPE' }], rows);
}
