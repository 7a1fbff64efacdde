/** @file What happens to a run: one schema for the events that observers get and the records of metrics.jsonl. */
import { z } from 'zod';
import { RUN_PHASES } from '../core/work.ts';
import type { SpotReport } from './spot.ts';

/** A number of things, or a version. */
export const count = z.int().min(0);
/** A number, also one that is none: JSON writes NaN as null. */
export const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/** The splits that a run is judged by. */
export const split = z.enum(['validation', 'test']);
const stepReport = {
  step: count,
  epoch: count,
  /** Loss and accuracy are means over the step's samples, NaN where none could be read. */
  loss: figure,
  accuracy: figure,
  learningRate: figure,
  gradientNorm: figure,
  imagesPerSecond: figure,
};
/** The fields of an evaluation of one version on a whole split. */
export const evaluationReport = {
  /** The evaluated parameters are those after this step. */
  version: count,
  epoch: count,
  loss: figure,
  accuracy: figure,
};
/** Two sums of the bits of parameters. Source  shared/training/parameter-sums.ts. */
const parameterSums = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
/** Units  milliseconds. */
const time = figure.default(Number.NaN);
const stepTimings = z.object({
  wallMs: time,
  pullMs: time,
  fetchMs: time,
  computeMs: time,
  pushMs: time,
  idleMs: time,
  sumMs: time,
  optimizerMs: time,
  /** Time that the coordinator's thread was busy, serving included. */
  coordinatorBusyMs: time,
});

const workerReport = z.object({
  worker: z.string(),
  imagesPerSecond: figure,
  /** Shares of its time; their sum is 1. */
  pull: figure,
  fetch: figure,
  compute: figure,
  push: figure,
  idle: figure,
  /** Of its process and of its devices; 0 if unknown. */
  memoryBytes: count,
  deviceBytes: count,
});
/** What alarms are about. Documented in docs/watching.md; decided in shared/runs/alarms. */
const alarmName = z.enum([
  'notFinite',
  'lossHigh',
  'gradientHigh',
  'learningStalled',
  'overfitting',
  'diskFull',
]);
/** The names of all alarms. */
export const ALARM_NAMES = alarmName.options;
/** How a process of a run came to its end: a person stopped it, its machine or a time limit did, or an error. */
const ending = z.enum(['done', 'stopped', 'interrupted', 'failed']);

function event<T extends string, Fields extends z.ZodRawShape>(type: T, fields: Fields) {
  return z.object({ type: z.literal(type), time: z.iso.datetime(), ...fields });
}

/** An event of a run with its time. Records of older versions lack some fields: those have a default. */
export const timedEventSchema = z.discriminatedUnion('type', [
  event('data', {
    sentence: z.string(),
    classes: z.array(z.string()).readonly(),
    size: z.record(z.string(), count),
    found: z.object({
      from: z.record(z.string(), z.string().optional()),
      leftOut: z
        .array(
          z.object({
            what: z.string(),
            count,
            why: z.string().exactOptional(),
            remedy: z.string().exactOptional(),
          }),
        )
        .readonly(),
      notes: z.array(z.string()).readonly(),
    }),
    /** The version that the coordinator begins or resumes with. Older versions did not record it. */
    begins: z.object({ version: count, parameterSums }).exactOptional(),
  }),
  event('step', {
    ...stepReport,
    timings: stepTimings.prefault({}),
    /** Of the parameters after the step. Older versions had none. */
    parameterSums: parameterSums.exactOptional(),
  }),
  event('evaluation', {
    // Older runs had no validation split.
    split: split.default('test'),
    ...evaluationReport,
    /** The newest version then; later than `version` where the best version is tested at the end. */
    atStep: count.optional(),
  }).transform(({ atStep, ...rest }) => ({ ...rest, atStep: atStep ?? rest.version })),
  /** The best version was to be tested, and has no checkpoint that can be read any more. */
  event('bestGone', { version: count, reason: z.string() }),
  event('checkpoint', {
    step: count,
    folder: z.string(),
    bytes: count,
    seconds: figure,
    parametersSha256: z.string(),
    /** Folder of an older checkpoint that was deleted, since the disk had no room for both. */
    givenUp: z.string().exactOptional(),
  }),
  event('checkpointFailed', { step: count, reason: z.string() }),
  /** A checkpoint is whole in the mirror; `bytes` are those that were sent. */
  event('mirrored', { step: count, bytes: count, seconds: figure }),
  /** A checkpoint is not in the mirror. Said of the first of several in a row. */
  event('mirrorFailed', { step: count, reason: z.string() }),
  event('worker', {
    worker: z.string(),
    what: z.enum(['joined', 'ready', 'lost', 'left']),
    reason: z.string(),
    workers: count,
    /** The machine that it runs on. Older versions did not record it. */
    host: z.string().exactOptional(),
    /** Identity of its engine, once it is ready: other identities may compute other bits. */
    engine: z.string().exactOptional(),
    /** Kind of the processor that it computes on: another kind may compute other bits. */
    processor: z.string().exactOptional(),
    /** Leaves that it held when it was lost, where that is known: others compute them. */
    leaves: count.exactOptional(),
  }),
  event('phase', {
    phase: z.enum(RUN_PHASES),
    reason: z.string(),
    /** Code of the error that ended the run. */
    code: z.string().exactOptional(),
  }),
  /** Nothing has been completed for a stated time, and why. Said again after growing pauses. */
  event('stall', { seconds: z.number(), sentence: z.string() }),
  /** Something was completed again, after so long. */
  event('stallOver', { seconds: z.number() }),
  /** A worker takes about twice as long for an image as the others, or no longer does. */
  event('slowWorker', {
    step: count,
    worker: z.string(),
    state: z.enum(['raised', 'over']),
    /** Its time for an image, as a multiple of the median of the others. */
    ratio: figure,
    /** Without the worker's name. */
    sentence: z.string(),
  }),
  /** A line of a worker's log, a warning or worse. It stands in RUN/logs, not among the metrics. */
  event('workerLog', {
    worker: z.string(),
    host: z.string(),
    level: z.enum(['warn', 'error', 'fatal']),
    /** One line, cut and escaped. */
    text: z.string(),
    /** Lines of this worker that are not here; the text says so. */
    leftOut: count.exactOptional(),
    /** How long before this event it was written. */
    ageMs: count,
  }),
  /** All workers over their last steps; each ten seconds, or less often where there are many. */
  event('workers', { step: count, workers: z.array(workerReport).readonly() }),
  /** A step none of whose samples could be read; said of the first one only. */
  event('emptyStep', { step: count }),
  event('badSample', { name: z.string(), reason: z.string() }),
  /** Something about the training that is not as it should be begins, or is over. */
  event('alarm', { name: alarmName, state: z.enum(['raised', 'over']), sentence: z.string() }),
  /** The last event: how the run ended, with the exit code of its command. Older versions had none. */
  event('ended', {
    how: ending,
    exit: count,
    /** Of the error that ended it. */
    code: z.string().exactOptional(),
    reason: z.string(),
  }),
]);

/** An event of a run and when it happened, as an ISO 8601 time. */
export type TimedEvent = z.infer<typeof timedEventSchema>;
type Untimed<Event> = Event extends unknown ? Omit<Event, 'time'> : never;
/** Something that happened to a run. */
export type RunEvent = Readonly<Untimed<TimedEvent>>;

/** An engine and the processor that it computes on, if any: what decides bits, as runs are compared by it. */
export function engineOn(engine: string, processor = ''): string {
  return processor === '' ? engine : `${engine} on ${processor}`;
}

/** One committed step. */
export type StepReport = Readonly<z.infer<z.ZodObject<typeof stepReport>>>;
/** What all workers did over their last steps. */
export type WorkersReport = readonly Readonly<z.infer<typeof workerReport>>[];
/** One evaluation on a whole split. */
export type EvaluationReport = Readonly<z.infer<z.ZodObject<typeof evaluationReport>>>;
/** Where the time of one step went. The figures of workers are means over the workers. */
export type StepTimings = Readonly<z.infer<typeof stepTimings>>;
/** How a process of a run came to its end. */
export type Ending = z.infer<typeof ending>;
/** The split that the best version is chosen on: the test split where a run has no other. */
export type JudgingSplit = z.infer<typeof split>;

/** What is left of a run when it has ended well. */
export interface RunResult {
  readonly steps: number;
  readonly epochs: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** The version that was tested. */
  readonly testedStep: number;
  /** Whether the test images were looked at only at the end. */
  readonly isTestedOnce: boolean;
  /** The best version, the split that it was chosen on, and its results there; NaN where nothing was evaluated. */
  readonly chosenOn: JudgingSplit;
  readonly bestStep: number;
  readonly bestAccuracy: number;
  readonly bestLoss: number;
  readonly parametersSha256: string;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Most workers that took part at one time. */
  readonly workers: number;
  readonly engine: string;
  readonly runFolder: string;
  readonly badSamples: number;
  /** Steps none of whose samples could be read. */
  readonly emptySteps: number;
  /** What the deaths of the run have cost. Older versions did not count it. */
  readonly spot?: SpotReport | undefined;
}
