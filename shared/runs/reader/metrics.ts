/**
 * @file Reads what a run wrote down while it went: its steps, evaluations, checkpoints and phases.
 *
 * A run that was killed leaves a torn last line, and one that was resumed does some steps again: the torn line is
 * counted and left out, and of what was done again the later record stands. What others put there in its place is bounded:
 * neither a line without an end nor a file without one takes all memory.
 */

import { isPlausible } from '../../core/divergence.ts';
import { jsonRecord } from '../../core/text.ts';
import { endingOfPhase, type RunEnding } from '../ending.ts';
import { type JudgingSplit, type TimedEvent, timedEventSchema } from '../events.ts';
import { eachLine } from '../lines.ts';
import { OriginsCollector, type RunOrigins } from './origins.ts';

/** Events that tables and pictures are made of: one of these that does not fit its schema is damage. */
const IN_TABLES: ReadonlySet<unknown> = new Set(['step', 'evaluation', 'checkpoint', 'phase']);

type RecordOf<Type extends TimedEvent['type']> = Readonly<Extract<TimedEvent, { type: Type }>>;
/** One committed step, without its timings: all steps of all runs are in memory at once. */
export type StepRecord = Omit<RecordOf<'step'>, 'timings'>;
type EvaluationRecord = RecordOf<'evaluation'>;

/** Everything of a metrics.jsonl that tables and pictures are made of, in the order of the run. */
export interface RunMetrics {
  readonly steps: readonly StepRecord[];
  /** Those that the best version is chosen by. */
  readonly evaluations: readonly EvaluationRecord[];
  /** The split of those. */
  readonly chosenOn: JudgingSplit;
  /** The last test, of the best version where another split chooses it. */
  readonly test: EvaluationRecord | undefined;
  /** As they were written; later ones may have replaced them. */
  readonly checkpoints: readonly RecordOf<'checkpoint'>[];
  /** Changes of what the run was doing, the last one of a good run being `done`. */
  readonly phases: readonly RecordOf<'phase'>[];
  /** How its last process ended; undefined where it left no record of that: it still runs, or was killed. */
  readonly ending: RunEnding | undefined;
  /** The evaluation of the highest accuracy, the earlier on a tie; a loss beyond all sense is not of a model. */
  readonly best: EvaluationRecord | undefined;
  /** Times of the first and last record, as ISO 8601. */
  readonly firstTime: string | undefined;
  readonly lastTime: string | undefined;
  /** When each process that continued the run began, and the working time until then. */
  readonly starts: readonly { readonly timeMs: number; readonly workedSeconds: number }[];
  /** Working time: from the first to the last record of each process that continued the run. */
  readonly workedSeconds: number;
  readonly origins: RunOrigins;
  /** Lines that are not records: at most the last one, unless the file was edited. */
  readonly damagedLines: number;
}

/**
 * Reads the metrics of a run folder; one that has none yet gives empty lists.
 *
 * Throws  DATA_INVALID when the file is there and cannot be read, or the run is not there (any more).
 */
export async function readMetrics(runFolder: string): Promise<RunMetrics> {
  const collector = new MetricsCollector();
  await eachLine(runFolder, (line) => collector.add(line));
  return collector.metrics();
}

/** What is known of a run without records. */
export const NO_METRICS: RunMetrics = {
  ...{ steps: [], evaluations: [], chosenOn: 'test', test: undefined, checkpoints: [], phases: [] },
  ...{
    ending: undefined,
    best: undefined,
    firstTime: undefined,
    lastTime: undefined,
    starts: [],
    workedSeconds: 0,
    origins: new OriginsCollector().origins(),
    damagedLines: 0,
  },
};

/** Takes the lines of a metrics.jsonl one by one. */
class MetricsCollector {
  readonly #steps: StepRecord[] = [];
  readonly #evaluations: Record<JudgingSplit, EvaluationRecord[]> = {
    validation: [],
    test: [],
  };
  readonly #checkpoints: RecordOf<'checkpoint'>[] = [];
  readonly #phases: RecordOf<'phase'>[] = [];
  readonly #origins = new OriginsCollector();
  #ending: RunEnding | undefined;
  #firstTime: string | undefined;
  #lastTime: string | undefined;
  #workedMs = 0;
  readonly #starts: { timeMs: number; workedSeconds: number }[] = [];
  /** Workers that were there by the last record about them. */
  #numWorkers = 0;
  #recordsStarts = false;
  #damagedLines = 0;

  /** Takes the next line; undefined is one that is too long to be a record. */
  add(line: string | undefined): void {
    if (line?.trim() === '') return;
    const record = line === undefined ? undefined : jsonRecord(line);
    if (record === undefined || !this.#take(record)) {
      this.#damagedLines += 1;
      return;
    }
    const { time: at } = record;
    if (typeof at !== 'string') return;
    // The time between two processes does not count as work.
    const begins = this.#beginsProcess(record);
    if (!begins && this.#lastTime !== undefined) {
      this.#workedMs += Math.max(0, Date.parse(at) - Date.parse(this.#lastTime)) || 0;
    }
    if (begins || this.#starts.length === 0) {
      this.#starts.push({ timeMs: Date.parse(at), workedSeconds: this.#workedMs / 1000 });
    }
    this.#firstTime ??= at;
    this.#lastTime = at;
  }

  /**
   * Whether a coordinator wrote this first: what its data are. Older ones did not; they are known by their workers, whom
   * they count from 1 again, while those before had not left.
   */
  #beginsProcess({ type, what, workers }: Record<string, unknown>): boolean {
    if (type === 'data') this.#recordsStarts = true;
    if (this.#recordsStarts || type !== 'worker' || typeof workers !== 'number') {
      return type === 'data';
    }
    const isRecount = what === 'joined' && workers <= this.#numWorkers;
    this.#numWorkers = workers;
    return isRecount;
  }

  metrics(): RunMetrics {
    const { validation, test } = this.#evaluations;
    const chosenOn = validation.length > 0 ? 'validation' : 'test';
    const evaluations = this.#evaluations[chosenOn];
    return {
      steps: this.#steps,
      evaluations,
      chosenOn,
      test: test.at(-1),
      checkpoints: this.#checkpoints,
      phases: this.#phases,
      ending: this.#ending,
      best: bestOf(evaluations),
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
      starts: this.#starts,
      workedSeconds: this.#workedMs / 1000,
      origins: this.#origins.origins(),
      damagedLines: this.#damagedLines,
    };
  }

  /** Keeps a record; false when it is not what its type must be. Records of unknown types are of another version. */
  #take(record: Record<string, unknown>): boolean {
    const { success, data: event } = timedEventSchema.safeParse(record);
    if (!success) return typeof record['type'] === 'string' && !IN_TABLES.has(record['type']);
    if (event.type === 'step') {
      const { timings: _, ...step } = event;
      this.#step(step);
    } else if (event.type === 'evaluation') {
      const those = this.#evaluations[event.split];
      dropFrom(those, event.atStep, stepOfEvaluation);
      those.push(event);
    } else if (event.type === 'checkpoint') {
      dropFrom(this.#checkpoints, event.step, stepOf);
      this.#checkpoints.push(event);
    } else if (event.type === 'phase') {
      this.#phases.push(event);
      this.#ending = endingOfPhase(event);
    } else if (event.type === 'ended') {
      const { how, reason, exit, code } = event;
      this.#ending = { how, reason, exit, code };
    } else if (event.type === 'worker') this.#origins.worker(event);
    else if (event.type === 'data') {
      this.#ending = undefined;
      this.#origins.began(event, this.#sumsAt(event.begins?.version));
    }
    return true;
  }

  /** A step may be computed again after a resume: the records that followed it before are no longer part of the run. */
  #step(step: StepRecord): void {
    const last = this.#steps.at(-1);
    if (last !== undefined && last.step >= step.step) {
      const undone = dropFrom(this.#steps, step.step, stepOf);
      this.#origins.undone(
        step.step,
        undone.map(({ step: at, parameterSums }) => [at, parameterSums]),
      );
      for (const those of Object.values(this.#evaluations)) {
        dropFrom(those, step.step, stepOfEvaluation);
      }
      dropFrom(this.#checkpoints, step.step, stepOf);
    }
    this.#origins.step(step);
    this.#steps.push(step);
  }

  /** Sums of a step that is on record; where records are missing before it, it is not looked for. */
  #sumsAt(version: number | undefined): string | undefined {
    const [first] = this.#steps;
    if (version === undefined || first === undefined) return undefined;
    const found = this.#steps[version - first.step];
    return found?.step === version ? found.parameterSums : undefined;
  }
}

function bestOf(evaluations: readonly EvaluationRecord[]): EvaluationRecord | undefined {
  return evaluations
    .filter(isPlausible)
    .reduce<EvaluationRecord | undefined>(
      (best, one) => (best === undefined || one.accuracy > best.accuracy ? one : best),
      undefined,
    );
}

const stepOf = ({ step }: { readonly step: number }) => step;
const stepOfEvaluation = ({ atStep }: EvaluationRecord) => atStep;

/** Takes the records from `step` on off the end, and returns them: they lie in the order of their positions. */
function dropFrom<T>(records: T[], step: number, position: (record: T) => number): T[] {
  const first = records.findLastIndex((record) => position(record) < step) + 1;
  return records.splice(first);
}
