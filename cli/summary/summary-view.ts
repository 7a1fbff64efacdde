/** @file The summary of a model as a table. Pure. */
import { formatBytes, formatCount } from '../../shared/core/units.ts';
import type { LayerSummary, ModelSummary } from '../../tools/inference/summary.ts';
import { formatTable } from '../terminal/table.ts';

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
  const fact = (label: string, value: string) => `${label.padEnd(24)}${value}`;
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
