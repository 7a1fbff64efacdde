/** @file An estimate as text. Pure. */
import { formatBytes, formatCount } from '../../shared/core/units.ts';
import type { RunEstimate } from '../../tools/estimate/run.ts';
import { formatTable } from '../terminal/table.ts';

const LABEL_WIDTH = 24;
const BOUNDS = {
  worker: "a worker's own end",
  coordinator: 'the coordinator',
  link: "the coordinator's link",
  cores: 'the cores of this machine',
} as const;

/** The lines of an estimate. */
export function estimateLines(estimate: RunEstimate): readonly string[] {
  const { step, cluster, memory, best, constants } = estimate;
  const { compute, pull, push, sum, optimizer, other, total } = step;
  const part = (label: string, seconds: number) => [
    label,
    milliseconds(seconds),
    `${Math.round((100 * seconds) / total)} %`,
  ];
  const where = cluster.isOneMachine ? 'on one machine' : 'on machines of their own';
  return [
    fact('model', `${formatCount(estimate.parameters)} parameters`),
    fact('batch', `${estimate.batchSize} in leaves of ${estimate.microBatch}`),
    fact('workers', `${cluster.workers} ${where}, ${cluster.devices} device(s) each`),
    '',
    ...formatTable(
      [
        { title: 'PART OF A STEP' },
        { title: 'TIME', align: 'right' },
        { title: '', align: 'right' },
      ],
      [
        part('compute', compute),
        part('pull', pull),
        part('push', push),
        part('sum', sum),
        part('optimizer', optimizer),
        part('other', other),
        part('step', total),
      ],
    ),
    '',
    fact('images a second', estimate.imagesPerSecond.toFixed(1)),
    fact('epochs an hour', estimate.epochsPerHour.toPrecision(3)),
    fact('exchange bounded by', BOUNDS[step.bound]),
    fact('coordinator memory', formatBytes(memory.coordinator)),
    fact('worker memory, host', formatBytes(memory.workerHost)),
    ...(memory.workerDevice === undefined
      ? []
      : [fact('worker memory, device', formatBytes(memory.workerDevice))]),
    fact(
      'best setting',
      `${best.workers} worker(s), micro-batch ${best.microBatch}: ${milliseconds(best.stepSeconds)} a step`,
    ),
    '',
    fact(`leaf (${constants.leaf.source})`, leafText(estimate)),
    fact('exchange (measured)', 'on this machine, with workers that wait in place of computing'),
  ];
}

function leafText({ constants: { leaf } }: RunEstimate): string {
  const { cost, device } = leaf;
  return `${device}: ${milliseconds(cost.fixed)} and ${milliseconds(cost.image)} an image`;
}

function milliseconds(seconds: number): string {
  const ms = 1000 * seconds;
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(3)} ms`;
}

function fact(label: string, value: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${value}`;
}
