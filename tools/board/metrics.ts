/** @file A run as figures for Prometheus. Pure: a snapshot goes in, text comes out. */
import type { RunStatus, WorkerStatus } from '../../shared/contract/status.ts';
import { RUN_PHASES } from '../../shared/core/work.ts';
import { ALARM_NAMES } from '../../shared/runs/events.ts';
import { LANE_PARTS } from '../../shared/runs/reader/lanes.ts';
import { family, gauge, histogram } from '../http/exposition.ts';
import type { RunCounts } from './run-counts.ts';

/** What the text is made of. */
export interface MetricsSnapshot {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Undefined before the run can be asked. */
  readonly status: RunStatus | undefined;
  readonly counts: RunCounts;
  /** Of the disk of the run folder; undefined where it cannot be asked. */
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number } | undefined;
  readonly viewers: number;
  /** Memory of this process. */
  readonly residentBytes: number;
}

const WORKER_STATES = ['joining', 'idle', 'computing'] as const;
/** Workers that get series of their own. */
const WORKERS_MAX = 256;

/** The whole text of GET /metrics. */
export function boardMetrics(snapshot: MetricsSnapshot): string {
  const { status, viewers, residentBytes, disk } = snapshot;
  return [
    ...(status === undefined
      ? []
      : [...progress(status), ...quality(status), ...alarms(status), ...workers(status)]),
    ...counted(snapshot),
    ...(disk === undefined
      ? []
      : [
          ...gauge(
            'tessera_disk_free_bytes',
            'Free on the disk of the run folder.',
            disk.freeBytes,
          ),
          ...gauge(
            'tessera_disk_size_bytes',
            'Size of the disk of the run folder.',
            disk.sizeBytes,
          ),
        ]),
    ...gauge('tessera_page_viewers', 'Pages that follow this run.', viewers),
    ...gauge('process_resident_memory_bytes', 'Memory of the coordinator.', residentBytes),
    '',
  ].join('\n');
}

function progress(status: RunStatus): string[] {
  const phases = RUN_PHASES.map(
    (phase) => `tessera_phase{phase="${phase}"} ${phase === status.phase ? 1 : 0}`,
  );
  return [
    ...family('tessera_build_info', 'gauge', 'The run and the version of Tessera.', [
      `tessera_build_info{run=${quoted(status.run)},version=${quoted(status.tesseraVersion)}} 1`,
    ]),
    ...family('tessera_phase', 'gauge', 'What the run does: 1 for the phase it is in.', phases),
    ...gauge('tessera_step', 'The newest step of the run.', status.step),
    ...gauge('tessera_steps_planned', 'Steps of the whole run.', status.stepsTotal),
    ...gauge('tessera_epoch', 'The epoch of the newest step.', status.epoch),
    ...gauge('tessera_run_seconds', 'Time since the run began.', status.seconds),
    ...gauge('tessera_eta_seconds', 'Time until the run is expected to end.', status.etaSeconds),
    ...gauge(
      'tessera_stalled',
      '1 while no step has completed for long.',
      status.stall === '' ? 0 : 1,
    ),
    ...gauge('tessera_bad_samples', 'Samples that cannot be read.', status.badSamples),
    ...gauge(
      'tessera_coordinator_delay_seconds',
      'Longest delay of the main thread of the coordinator.',
      status.delayMaxMs / 1000,
    ),
  ];
}

function quality(status: RunStatus): string[] {
  const by = (train: number, validation: number, test: number) => [
    { split: 'train', value: train },
    { split: 'validation', value: validation },
    { split: 'test', value: test },
  ];
  const split = (name: string, help: string, values: ReturnType<typeof by>) =>
    family(
      name,
      'gauge',
      help,
      values
        .filter(({ value }) => !Number.isNaN(value))
        .map((one) => `${name}{split="${one.split}"} ${figure(one.value)}`),
    );
  return [
    ...split(
      'tessera_loss',
      'Newest loss, of a step or of an evaluation.',
      by(status.loss, status.validationLoss, status.testLoss),
    ),
    ...split(
      'tessera_accuracy_ratio',
      'Newest accuracy, from 0 to 1.',
      by(status.trainAccuracy, status.validationAccuracy, status.testAccuracy),
    ),
    ...gauge('tessera_learning_rate', 'Learning rate of the newest step.', status.learningRate),
    ...gauge('tessera_gradient_norm', 'Norm of the newest gradient.', status.gradientNorm),
    ...gauge(
      'tessera_images_per_second',
      'Images that the run learns from.',
      status.imagesPerSecond,
    ),
  ];
}

function alarms({ alarms: raised }: RunStatus): string[] {
  const lines = ALARM_NAMES.map((name) => {
    const isRaised = raised.some((alarm) => alarm.startsWith(`${name}: `));
    return `tessera_alarm{alarm="${name}"} ${isRaised ? 1 : 0}`;
  });
  return family('tessera_alarm', 'gauge', '1 while an alarm of the training stands.', lines);
}

function workers({ workers: all }: RunStatus): string[] {
  const states = WORKER_STATES.map((state) => {
    const count = all.filter((worker) => worker.state === state).length;
    return `tessera_workers{state="${state}"} ${count}`;
  });
  const slow = all.filter((worker) => worker.slow !== '').length;
  const each = (name: string, help: string, value: (worker: WorkerStatus) => number) =>
    family(
      name,
      'gauge',
      help,
      all
        .slice(0, WORKERS_MAX)
        .filter((worker) => !Number.isNaN(value(worker)))
        .map((worker) => `${name}{worker=${quoted(worker.worker)}} ${figure(value(worker))}`),
    );
  return [
    ...family('tessera_workers', 'gauge', 'Workers of the run by state.', states),
    ...gauge('tessera_workers_slow', 'Workers that take twice as long as the others.', slow),
    ...each(
      'tessera_worker_images_per_second',
      'Images of a worker over its last steps.',
      (worker) => worker.imagesPerSecond,
    ),
    ...each(
      'tessera_worker_pace_ratio',
      'Time for an image, as a multiple of the median of the others.',
      (worker) => worker.paceRatio,
    ),
    ...each(
      'tessera_worker_resident_bytes',
      'Memory of the process of a worker.',
      (worker) => worker.memoryBytes,
    ),
    ...each(
      'tessera_worker_silent_seconds',
      'Time since the last message of a worker.',
      (worker) => worker.silentSeconds,
    ),
  ];
}

function counted({ counts, nowMs }: MetricsSnapshot): string[] {
  const counter = (name: string, help: string, value: number) =>
    family(name, 'counter', help, [`${name} ${value}`]);
  const age = (name: string, help: string, ms: number | undefined) =>
    ms === undefined ? [] : gauge(name, help, Math.max(0, (nowMs - ms) / 1000));
  const seconds = [...counts.workerSeconds].flatMap(([worker, parts]) =>
    LANE_PARTS.map(
      (part) =>
        `tessera_worker_seconds_total{worker=${quoted(worker)},part="${part}"} ${parts[part]}`,
    ),
  );
  const { joined, lost, left } = counts.workerEvents;
  return [
    ...histogram('tessera_step_seconds', 'Time of steps.', counts.stepSeconds),
    ...age(
      'tessera_last_step_age_seconds',
      'Time since the newest step; before the first, since the process began.',
      counts.lastStepMs,
    ),
    ...age(
      'tessera_last_checkpoint_age_seconds',
      'Time since the newest checkpoint was written.',
      counts.lastCheckpointMs,
    ),
    ...gauge('tessera_checkpoint_size_bytes', 'Size of the newest one.', counts.checkpointBytes),
    ...counter('tessera_checkpoints_total', 'Checkpoints that were written.', counts.checkpoints),
    ...counter(
      'tessera_checkpoint_failures_total',
      'Checkpoints that could not be written.',
      counts.checkpointFailures,
    ),
    ...counter('tessera_stalls_total', 'Warnings that no step was made for long.', counts.stalls),
    ...counter('tessera_workers_joined_total', 'Workers that joined.', joined),
    ...counter('tessera_workers_lost_total', 'Workers that were lost.', lost),
    ...counter('tessera_workers_left_total', 'Workers that left in good order.', left),
    ...counter(
      'tessera_leaves_lost_total',
      'Leaves that a lost worker had, and that others compute again.',
      counts.leavesLost,
    ),
    ...family(
      'tessera_worker_seconds_total',
      'counter',
      'Time of a worker by what it was used for.',
      seconds,
    ),
  ];
}

/** As the format writes numbers without a value. */
function figure(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** A value of a label. Source  the format: backslash, quote and line feed are escaped. */
function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}
