/** @file An estimate as text. Pure. */
import { formatBytes, formatCount } from '../../shared/core/units.ts';
import type { RunEstimate } from '../../tools/estimate/run.ts';
import { formatTable } from '../terminal/table.ts';

const LABEL_WIDTH = 24;
const BOUNDS = {
  worker: "a worker's own way there and back",
  coordinator: "the coordinator's thread",
  link: "the coordinator's link",
  cores: 'the cores of this machine, which coordinator and workers share',
} as const;
/** From here on a time is in seconds. */
const SECONDS_MIN = 10;
/** Of the cores' time, what other programs may take before it is said. */
const OTHERS_MIN = 0.1;

/** The lines of an estimate. */
export function estimateLines(estimate: RunEstimate): readonly string[] {
  const { step, cluster, memory, best, constants } = estimate;
  const { compute, pull, push, sum, optimizer, other, total } = step;
  const part = (label: string, seconds: number) => [
    label,
    time(seconds),
    `${Math.round((100 * seconds) / total)} %`,
  ];
  const where = cluster.isOneMachine ? 'on one machine' : 'on machines of their own';
  const each = cluster.devices === 1 ? '1 device' : `${cluster.devices} devices`;
  const { busyWorkers: busy } = estimate;
  const idle = busy < cluster.workers ? `; a batch has leaves for ${busy}` : '';
  return [
    fact('model', `${formatCount(estimate.parameters)} parameters`),
    fact('batch', `${estimate.batchSize} images in leaves of ${estimate.microBatch}`),
    fact('workers', `${cluster.workers} ${where}, ${each} each${idle}`),
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
    ...(memory.shared > 0 ? [fact('memory between them', formatBytes(memory.shared))] : []),
    fact(
      'best setting',
      `${plural(best.workers, 'worker')}, micro-batch ${best.microBatch}: ${time(best.stepSeconds)} a step`,
    ),
    '',
    fact(`leaf (${constants.leaf.source})`, leafText(estimate)),
    fact('exchange (measured)', 'on this machine, with workers that wait in place of computing'),
    ...(estimate.others > OTHERS_MIN ? [othersText(estimate.others)] : []),
  ];
}

function othersText(others: number): string {
  const share = `${Math.round(100 * others)} %`;
  return `other programs took ${share} of this machine's cores meanwhile: times are too long by about as much`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function leafText({ constants: { leaf } }: RunEstimate): string {
  const { cost, device } = leaf;
  return `${device}: ${time(cost.fixed)} and ${time(cost.image)} an image`;
}

function time(seconds: number): string {
  if (seconds >= SECONDS_MIN)
    return `${seconds >= 100 ? Math.round(seconds) : seconds.toFixed(1)} s`;
  const ms = 1000 * seconds;
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(3)} ms`;
}

function fact(label: string, value: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${value}`;
}
