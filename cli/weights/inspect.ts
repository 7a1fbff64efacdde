/** @file `tessera weights inspect`: whose weights they are, and of which model. */
import { basename } from 'node:path';
import { firstNonFinite } from '../../shared/core/floats.ts';
import { someOf } from '../../shared/core/text.ts';
import { formatBytes, formatCount } from '../../shared/core/units.ts';
import { withModelFile } from '../../shared/runs/checkpoint/model-file.ts';
import { type Description, describeModel } from '../../shared/weights/describe/description.ts';
import { FACT_NAMES, type FactName, shown } from '../../shared/weights/facts.ts';
import { readWeights, type WeightsFile } from '../../shared/weights/files/read.ts';
import { guessesIn } from '../../tools/inference/read/described-model.ts';
import { findNamedModel } from '../inputs/model.ts';
import { print, printJson } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

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
  const { tensors, json, weightsKey: key } = options;
  const path = await findNamedModel(options.path);
  const weights = await withModelFile(path, (file) => readWeights(file, { key }));
  const { model, variant, facts } = describeModel(weights, basename(path));
  const parameters = [...weights.tensors.values()].reduce((sum, t) => sum + t.values.length, 0);
  const dtypes = [...new Set([...weights.tensors.values()].map(({ dtype }) => dtype))];
  const broken = brokenTensors(weights);
  const notes = guessesIn(facts).map((name) => noteOf(name, facts));
  if (json) {
    const { format, naming, nesting, prefix, unknown, unused } = weights;
    const { besideHead, headCandidates, notes: found } = weights;
    const areHeadsGuessed = facts.heads.source === 'guess';
    printJson({
      schema: 'weights/1',
      ...{ path: weights.path, format, naming, nesting, dtypes, parameters },
      ...{ model, variant, areHeadsGuessed, facts },
      ...{ classes: facts.classes?.value, unknown, unused, besideHead, headCandidates },
      notFinite: Object.fromEntries(broken),
      ...{ prefix, steppedOver: Object.fromEntries(weights.steppedOver ?? []) },
      notes: [...found, ...notes],
      tensors: [...weights.tensors].map(([name, { shape, dtype }]) => ({ name, shape, dtype })),
    });
    return;
  }
  const shape = `width ${model.width}, depth ${model.depth}, heads ${model.heads}, MLP ${model.mlpWidth}`;
  const fact = (label: string, value: string) => `${label.padEnd(12)} ${value}`;
  print([
    fact('format', weights.format + (weights.nesting ? `, under "${weights.nesting}"` : '')),
    fact('names', `of ${weights.naming}`),
    fact('dtype', dtypes.join(', ')),
    fact('model', `${variant === undefined ? '' : `ViT-${variant}: `}${shape}`),
    fact('input', `${model.channels} x ${model.imageSize} x ${model.imageSize} pixels`),
    fact('classes', model.numClasses === 0 ? 'no head' : String(model.numClasses)),
    fact('parameters', `${formatCount(parameters)}, ${formatBytes(4 * parameters)}`),
    ...broken.map(([name, count]) =>
      fact('not finite', `${name}: ${count} values are NaN or infinite`),
    ),
    ...[...weights.notes, ...notes].map((note) => fact('note', note)),
    ...steppedOver(weights).map((names) => fact('stepped over', names)),
    ...weights.unused.map((name) => fact('not used', name)),
    ...weights.headCandidates.map((name) => fact('head?', name)),
    ...weights.besideHead.map((name) => fact('beside head', name)),
    ...weights.unknown.map((name) => fact('unknown', name)),
    ...['', ...factLines(facts)],
    ...(tensors ? ['', ...tensorLines(weights)] : []),
  ]);
}

/** Tensors with NaN or infinities, and how many: with one, a model computes nothing but NaN. */
function brokenTensors({ tensors }: WeightsFile): [name: string, count: number][] {
  return [...tensors].flatMap(([name, { values }]) => {
    if (firstNonFinite(values) < 0) return [];
    return [[name, values.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0)]];
  });
}

/** Objects of Python that are not tensors, with their count. */
function steppedOver({ steppedOver = new Map() }: WeightsFile): string[] {
  if (steppedOver.size === 0) return [];
  const counts = [...steppedOver].map(([name, count]) => (count > 1 ? `${name} (${count})` : name));
  return [someOf(counts)];
}

function noteOf(name: FactName, facts: Description['facts']): string {
  const fact = facts[name];
  return `${name}: ${shown(fact?.value)} is a guess; ${fact?.where}`;
}

/** Every value with where it comes from, in the order in which a model has them. */
function factLines(facts: Description['facts']): readonly string[] {
  const rows = FACT_NAMES.flatMap((name) => {
    const fact = facts[name];
    return fact === undefined ? [] : [[name, shown(fact.value), `${fact.source}: ${fact.where}`]];
  });
  return formatTable([{ title: 'FACT' }, { title: 'VALUE' }, { title: 'SOURCE' }], rows);
}

function tensorLines({ tensors }: WeightsFile): readonly string[] {
  const rows = [...tensors].map(([name, { shape, dtype }]) => [
    name,
    dtype,
    `[${shape.join(',')}]`,
  ]);
  return formatTable([{ title: 'TENSOR' }, { title: 'DTYPE' }, { title: 'SHAPE' }], rows);
}
