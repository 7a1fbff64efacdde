/** @file A run's status as text: the run, then a table of its workers. Pure. */
import type { RunStatus, TimeShares, WorkerStatus } from '../../shared/contract/status.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
} from '../../shared/core/units.ts';
import { type Column, formatAge, formatTable } from '../terminal/table.ts';

const WORKER_COLUMNS: readonly Column[] = [
  { title: 'WORKER' },
  { title: 'STATE' },
  { title: 'STEP', align: 'right' },
  { title: 'LEAVES', align: 'right' },
  { title: 'IMG/S', align: 'right' },
  { title: 'TIME' },
  { title: 'HOLDS', align: 'right' },
  { title: 'SILENT', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'ENGINE' },
];

/** Shown where a worker reports its devices. Memory is in use and at most so far. */
const DEVICE_COLUMNS: readonly Column[] = [{ title: 'DEVICES' }, { title: 'DEVICE MEMORY/PEAK' }];

/** A run's status, with the refused joins if its coordinator reports them. */
type ShownStatus = RunStatus & {
  readonly refusedJoins?: number;
  readonly lastRefusal?: string;
};

/** Workers whose last error is shown; JSON has all. */
const ERRORS_MAX = 10;

/** The whole status: a block about the run and the table of its workers. */
export function statusLines(status: ShownStatus): readonly string[] {
  const hasDevices = status.workers.some(({ deviceCount }) => deviceCount > 0);
  const rows = status.workers.map((worker) => [
    worker.worker,
    worker.state,
    String(worker.step),
    String(worker.leavesDone),
    formatNumber(worker.imagesPerSecond, 0),
    timeText(worker.shares),
    String(worker.held.reduce((sum, { count }) => sum + count, 0)),
    `${worker.silentSeconds.toFixed(1)}s`,
    formatAge(worker.ageSeconds),
    worker.memoryBytes === 0 ? '-' : formatBytes(worker.memoryBytes).replace(' ', ''),
    worker.engine.replace(/,? +/g, '-'),
    ...(hasDevices ? deviceCells(worker) : []),
  ]);
  const columns = hasDevices ? [...WORKER_COLUMNS, ...DEVICE_COLUMNS] : WORKER_COLUMNS;
  const table = rows.length === 0 ? ['no workers'] : formatTable(columns, rows);
  const errors = status.workers
    .filter(({ lastError }) => lastError !== '')
    .map(({ worker, lastError }) => `last error of ${worker}: ${lastError}`);
  const slow = status.workers
    .filter(({ slow }) => slow !== '')
    .map(({ worker, slow }) => `${worker} ${slow}`);
  return [...runBlock(status), '', ...table, ...slow, ...errors.slice(0, ERRORS_MAX)];
}

/** The two largest parts of its time: `compute-84%,idle-9%`; a cell has no spaces, so that a script can split lines. */
function timeText(shares: TimeShares | null): string {
  if (shares === null) return '-';
  const parts = Object.entries(shares).sort(([, a], [, b]) => b - a);
  const shown = parts.slice(0, 2).map(([part, share]) => `${part}-${Math.round(share * 100)}%`);
  return shown.join(',');
}

/** `8x NVIDIA H200` and `12.0/40.1 GiB`; empty where they are unknown. */
function deviceCells(worker: WorkerStatus): readonly string[] {
  const { deviceKind, deviceCount, deviceBytes, deviceBytesPeak } = worker;
  if (deviceCount === 0) return ['', ''];
  const memory = [deviceBytes, deviceBytesPeak].map((bytes) =>
    bytes === 0 ? '-' : formatBytes(bytes).replace(' ', ''),
  );
  return [`${deviceCount}x ${deviceKind}`.replace(/ +/g, '-'), memory.join('/')];
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
    ...(status.delayMaxMs === 0 ? [] : [['Coordinator', coordinatorText(status)] as const]),
    ...(status.stall === '' ? [] : [['Stalled', status.stall] as const]),
    ...(status.waitingFor === '' || status.stall !== ''
      ? []
      : [['Late', status.waitingFor] as const]),
    ...(status.disturbances === '' ? [] : [['Disturbed', status.disturbances] as const]),
    ...status.alarms.map((alarm) => ['Alarm', alarm] as const),
    ...(status.badSamples === 0 ? [] : [['Unreadable', `${status.badSamples} images`] as const]),
    ...(status.refusedJoins ? [['Refused', refusedText(status)] as const] : []),
  ];
  return facts.map(([label, value]) => `${`${label}:`.padEnd(12)} ${value}`);
}

function refusedText({ refusedJoins = 0, lastRefusal = '' }: ShownStatus): string {
  const joins = `${formatCount(refusedJoins)} ${refusedJoins === 1 ? 'join' : 'joins'}`;
  return `${joins}; the last: ${lastRefusal.replace(/^refused /, '')}`;
}

/** How long its main thread was not there for anything else: workers wait for as long. */
function coordinatorText({ delayMaxMs, delayUsualMs, reducers }: RunStatus): string {
  const delays = `main thread delayed by ${formatNumber(delayMaxMs, 1)} ms at most, 99 % by less than ${formatNumber(delayUsualMs, 1)} ms`;
  if (reducers === 0) return delays;
  return `${delays}; ${reducers} reducer ${reducers === 1 ? 'thread' : 'threads'}`;
}

function timeLeft({ etaSeconds }: RunStatus): string {
  return Number.isFinite(etaSeconds) ? formatDuration(etaSeconds) : '-';
}

function parametersOf({ parametersSha256, parametersVersion }: RunStatus): string {
  if (parametersSha256 === '') return '<none>';
  return `${parametersSha256.slice(0, 12)} after step ${parametersVersion}`;
}
