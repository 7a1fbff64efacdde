/** @file A run's status as text: the run, then a table of its workers. Pure. */
import type { RunStatus } from '../../shared/contract/messages.ts';
import { formatCount, formatDuration } from '../../shared/core/units.ts';
import {
  type Column,
  formatAge,
  formatNumber,
  formatPercent,
  formatTable,
} from '../terminal/table.ts';

const WORKER_COLUMNS: readonly Column[] = [
  { title: 'WORKER' },
  { title: 'STATE' },
  { title: 'STEP', align: 'right' },
  { title: 'LEAVES', align: 'right' },
  { title: 'IMG/S', align: 'right' },
  { title: 'SILENT', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'ENGINE' },
];

/** A run's status, with the refused joins if its coordinator reports them. */
type ShownStatus = RunStatus & {
  readonly refusedJoins?: number;
  readonly lastRefusal?: string;
};

/** Workers whose last error is shown; JSON has all. */
const ERRORS_MAX = 10;

/** The whole status: a block about the run and the table of its workers. */
export function statusLines(status: ShownStatus): readonly string[] {
  const rows = status.workers.map((worker) => [
    worker.worker,
    worker.state,
    String(worker.step),
    String(worker.leavesDone),
    formatNumber(worker.imagesPerSecond, 0),
    `${worker.silentSeconds.toFixed(1)}s`,
    formatAge(worker.ageSeconds),
    worker.engine.replace(/,? +/g, '-'),
  ]);
  const table = rows.length === 0 ? ['no workers'] : formatTable(WORKER_COLUMNS, rows);
  const errors = status.workers
    .filter(({ lastError }) => lastError !== '')
    .map(({ worker, lastError }) => `last error of ${worker}: ${lastError}`);
  return [...runBlock(status), '', ...table, ...errors.slice(0, ERRORS_MAX)];
}

function runBlock(status: ShownStatus): readonly string[] {
  const facts: readonly (readonly [string, string])[] = [
    ['Run', status.run],
    ['Phase', status.reason === '' ? status.phase : `${status.phase} (${status.reason})`],
    ['Step', `${status.step}/${status.stepsTotal}, epoch ${status.epoch}/${status.epochsTotal}`],
    [
      'Train',
      `loss ${formatNumber(status.loss, 4)}, accuracy ${formatPercent(status.trainAccuracy)}`,
    ],
    ...(Number.isNaN(status.validationAccuracy)
      ? []
      : [
          [
            'Validation',
            `loss ${formatNumber(status.validationLoss, 4)}, accuracy ${formatPercent(status.validationAccuracy)}`,
          ] as const,
        ]),
    [
      'Test',
      `loss ${formatNumber(status.testLoss, 4)}, accuracy ${formatPercent(status.testAccuracy)}`,
    ],
    ['Speed', `${formatNumber(status.imagesPerSecond, 0)} img/s`],
    ['Time', `${formatDuration(status.seconds)}, ${timeLeft(status)} left`],
    ['Parameters', parametersOf(status)],
    ['Folder', status.runFolder],
    ...(status.stall === '' ? [] : [['Stalled', status.stall] as const]),
    ...(status.badSamples === 0 ? [] : [['Unreadable', `${status.badSamples} images`] as const]),
    ...(status.refusedJoins ? [['Refused', refusedText(status)] as const] : []),
  ];
  return facts.map(([label, value]) => `${`${label}:`.padEnd(12)} ${value}`);
}

function refusedText({ refusedJoins = 0, lastRefusal = '' }: ShownStatus): string {
  const joins = `${formatCount(refusedJoins)} ${refusedJoins === 1 ? 'join' : 'joins'}`;
  return `${joins}; the last: ${lastRefusal.replace(/^refused /, '')}`;
}

function timeLeft({ etaSeconds }: RunStatus): string {
  return Number.isFinite(etaSeconds) ? formatDuration(etaSeconds) : '-';
}

function parametersOf({ parametersSha256, parametersVersion }: RunStatus): string {
  if (parametersSha256 === '') return '<none>';
  return `${parametersSha256.slice(0, 12)} after step ${parametersVersion}`;
}
