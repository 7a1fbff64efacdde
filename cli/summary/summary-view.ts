/** @file The summary of a model, and of what a leaf takes of a device, as tables. Pure. */
import type { PartMemory } from '../../shared/compute/program.ts';
import { formatBytes, formatCount } from '../../shared/core/units.ts';
import type { StepGraph } from '../../tools/inference/step-graph.ts';
import type { LayerSummary, ModelSummary } from '../../tools/inference/summary.ts';
import { formatTable } from '../terminal/table.ts';
import type { LeafMemory } from './memory.ts';

const LABEL_WIDTH = 24;
const COLUMNS = [
  { title: 'LAYER' },
  { title: 'INPUT' },
  { title: 'OUTPUT' },
  { title: 'PARAMETERS', align: 'right' },
  { title: 'TRAINS' },
] as const;

/** A line for each layer and the totals below. */
export function summaryLines(summary: ModelSummary): readonly string[] {
  const { parameters, trainable, multiplyAdds } = summary;
  const backward = 2 * summary.activationBytes;
  const bytes = summary.inputBytes + summary.parameterBytes + backward;
  return [
    ...formatTable(COLUMNS, summary.layers.map(rowOf)),
    '',
    fact('parameters', formatCount(parameters)),
    fact('trainable', formatCount(trainable)),
    fact('frozen', formatCount(parameters - trainable)),
    fact('multiply-adds', `${(multiplyAdds / 1e9).toFixed(2)} G`),
    fact('input', formatBytes(summary.inputBytes)),
    fact('parameter memory', formatBytes(summary.parameterBytes)),
    fact('forward and backward', formatBytes(backward)),
    fact('estimated total', formatBytes(bytes)),
  ];
}

/** What a leaf takes, part by part. */
export function memoryLines(memory: LeafMemory): readonly string[] {
  const { engine, precision, recompute, microBatch, limit, trainingBytes } = memory;
  const part = ({ arguments: taken, outputs, temporary, code }: PartMemory) =>
    [
      `inputs ${formatBytes(taken)}`,
      `outputs ${formatBytes(outputs)}`,
      `temporary ${formatBytes(temporary)}`,
      ...(code > 0 ? [`code ${formatBytes(code)}`] : []),
    ].join(', ');
  return [
    fact('engine', engine),
    fact('precision', precision),
    fact('recompute', recompute),
    fact('micro-batch', `${microBatch}${limit === undefined ? '' : ', the largest that fits'}`),
    fact('training step', part(memory.training)),
    fact('forward pass', part(memory.forward)),
    fact(
      'training, at most',
      `${formatBytes(trainingBytes)}${limit === undefined ? '' : ` of ${formatBytes(limit)}`}`,
    ),
  ];
}

const KIND_COLUMNS = [
  { title: 'OPERATION' },
  ...['NODES', 'GFLOP', 'SHARE', 'MOVED', 'FLOP/BYTE'].map((title) => ({
    title,
    align: 'right' as const,
  })),
] as const;

/** The operations of a training step, by kind, and all together. */
export function graphLines({ microBatch, passOnCpu, kinds }: StepGraph): readonly string[] {
  const total = (of: 'nodes' | 'operations' | 'bytes') =>
    kinds.reduce((sum, kind) => sum + kind[of], 0);
  const all = { nodes: total('nodes'), operations: total('operations'), bytes: total('bytes') };
  const rows = [...kinds, { op: 'all', ...all }].map(({ op, nodes, operations, bytes }) => [
    op,
    formatCount(nodes),
    (operations / 1e9).toFixed(3),
    `${((100 * operations) / all.operations).toFixed(1)} %`,
    formatBytes(bytes),
    bytes === 0 ? '--' : (operations / bytes).toFixed(1),
  ]);
  const passes = passOnCpu === microBatch ? '' : `; on a CPU ${passOnCpu} at a time`;
  return [
    fact('training step', `a leaf of ${microBatch}, forward and backward${passes}`),
    '',
    ...formatTable(KIND_COLUMNS, rows),
  ];
}

function fact(label: string, value: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${value}`;
}

function rowOf(layer: LayerSummary): readonly string[] {
  const { name, kind, depth, input, output, parameters, trainable } = layer;
  const indent = depth === 0 ? '' : `${'│ '.repeat(depth - 1)}├─`;
  const label =
    name === ''
      ? ''
      : `:${name
          .split('.')
          .slice(depth === 1 ? -2 : -1)
          .join('.')}`;
  const trains = trainable === parameters ? 'yes' : trainable === 0 ? 'no' : 'partly';
  return [
    `${indent}${kind.replace(', ', '-').replace(' ', '-')}${label}`,
    `[${input.join(',')}]`,
    `[${output.join(',')}]`,
    parameters === 0 ? '--' : formatCount(parameters),
    parameters === 0 ? '--' : trains,
  ];
}
