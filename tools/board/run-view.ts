/** @file What the page shows of one run, gathered from its events and activities, with bounded memory. */

import { RECORD_LEVELS } from '../../shared/contract/log-record.ts';
import type { RunStatus } from '../../shared/contract/status.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import { engineOn, type TimedEvent } from '../../shared/runs/events.ts';
import type { ShownLine } from '../../shared/runs/reader/log-lines.ts';
import { LaneBins } from './lane-bins.ts';
import { RunCounts } from './run-counts.ts';
import { StepColumns, type StepRow } from './step-columns.ts';

/** A line of the log on the page. */
export interface BoardLine {
  readonly id: number;
  readonly time: string;
  readonly mood: 'good' | 'plain' | 'warning' | 'bad';
  readonly text: string;
}

/** Puts an event into words; undefined for one that needs none. */
export type LineOf = (
  event: Exclude<TimedEvent, { type: 'step' }>,
) => Pick<BoardLine, 'mood' | 'text'> | undefined;

type EventOf<Type extends TimedEvent['type']> = Extract<TimedEvent, { type: Type }>;
type Evaluation = Pick<EventOf<'evaluation'>, 'split' | 'loss' | 'accuracy' | 'epoch'> & {
  readonly step: number;
  /** Seconds since 1970. */
  readonly time: number;
};
type Checkpoint = Pick<EventOf<'checkpoint'>, 'step' | 'folder' | 'bytes' | 'seconds' | 'time'>;

/** A lease that was lost: its leaves are computed by others. */
interface LostLease {
  readonly time: string;
  readonly worker: string;
  readonly leaves: number;
  readonly reason: string;
}

const EVALUATIONS_MAX = 20_000;
const CHECKPOINTS_MAX = 200;
const LINES_MAX = 1000;
const LINE_CHARS_MAX = 2000;
const LEASES_MAX = 100;
const ENGINES_MAX = 50;

/** One run on the page. */
export interface BoardRun {
  readonly id: string;
  readonly view: RunView;
  readonly folder: string;
  /** As it was resolved. */
  config(): Promise<unknown>;
  /** Where values of the config come from, by their options; undefined where that was not kept. */
  readonly origins: ReadonlyMap<string, string> | undefined;
  /** Whether it is of this process. */
  readonly isLive: boolean;
  /** Undefined for a run that is not. */
  status(): RunStatus | undefined;
  /** Ends the run early; undefined where that cannot be done from here. */
  readonly stop: (() => Promise<void>) | undefined;
}

/** Where the page gets its runs. */
export interface BoardSource {
  runs(): readonly BoardRun[];
  /** Brings what is on a disk up to date; not more often than that is of use. */
  refresh?(): Promise<void>;
}

/** Gathers. */
export class RunView {
  readonly steps = new StepColumns();
  readonly counts = new RunCounts();
  lanes = new LaneBins();
  readonly evaluations: Evaluation[] = [];
  readonly checkpoints: Checkpoint[] = [];
  readonly lines: BoardLine[] = [];
  readonly leases: LostLease[] = [];
  leavesAgain = 0;
  leavesLost = 0;
  phase = '';
  /** Code of the error that ended the run; '' for none. */
  code = '';
  /** Sentences of alarms that have begun and are not over, by their names. */
  readonly alarms = new Map<string, string>();
  /** What computed for the run, with the step after which it was first ready. */
  readonly engines = new Map<string, number>();
  /** The newest report about all workers, of a run that has ended. */
  workers: EventOf<'workers'>['workers'] = [];
  readonly #lineOf: LineOf;
  #numLines = 0;

  constructor(lineOf: LineOf) {
    this.#lineOf = lineOf;
  }

  /** Takes what happens now. */
  event(event: TimedEvent): void {
    this.counts.event(event);
    if (event.type === 'step') this.step({ ...event, timeMs: Date.parse(event.time) });
    else if (event.type === 'workerLog') {
      const timeMs = Date.parse(event.time) - event.ageMs;
      this.workerLine({ ...event, level: RECORD_LEVELS[event.level], timeMs });
    } else this.past(event);
  }

  /** Takes what happened in an earlier process: it is shown and not counted. */
  past(event: Exclude<TimedEvent, { type: 'step' }>): void {
    this.#keep(event);
    const line = this.#lineOf(event);
    if (line !== undefined) this.line(line.text, line.mood, event.time);
  }

  step(row: StepRow): void {
    if (row.step <= this.steps.lastStep) this.#undo(row.step);
    this.steps.add(row);
  }

  activity(activity: TimedActivity): void {
    this.counts.activity(activity);
    this.lanes.activity(activity);
    if (activity.type !== 'assigned' || !activity.reason.endsWith(' is late')) return;
    for (const { count } of activity.ranges) this.leavesAgain += count;
  }

  /** A line of a worker's log. */
  workerLine({ worker, level, text, timeMs }: Omit<ShownLine, 'host' | 'leftOut'>): void {
    const mood = level < RECORD_LEVELS.error ? 'warning' : 'bad';
    this.line(`worker/${worker} ${text}`, mood, new Date(timeMs).toISOString());
  }

  line(text: string, mood: BoardLine['mood'], time = new Date().toISOString()): void {
    this.#numLines += 1;
    const line = { id: this.#numLines, time, mood, text: text.slice(0, LINE_CHARS_MAX) };
    push(this.lines, line, LINES_MAX);
  }

  #keep(event: Exclude<TimedEvent, { type: 'step' }>): void {
    switch (event.type) {
      case 'evaluation': {
        const { split, loss, accuracy, epoch, version: step } = event;
        const time = Date.parse(event.time) / 1000;
        push(this.evaluations, { split, loss, accuracy, epoch, step, time }, EVALUATIONS_MAX);
        return;
      }
      case 'checkpoint': {
        const { step, folder, bytes, seconds, time } = event;
        push(this.checkpoints, { step, folder, bytes, seconds, time }, CHECKPOINTS_MAX);
        return;
      }
      case 'phase':
        this.phase = event.phase;
        this.code = event.code ?? '';
        return;
      case 'data':
        // A process begins, without the alarms of the one before.
        this.alarms.clear();
        return;
      case 'alarm':
        if (event.state === 'over') this.alarms.delete(event.name);
        else this.alarms.set(event.name, event.sentence);
        return;
      case 'workers':
        this.workers = event.workers;
        return;
      case 'worker':
        this.#worker(event);
    }
  }

  #worker(event: EventOf<'worker'>): void {
    const { worker, what, leaves = 0, reason, time } = event;
    if (what === 'ready') this.#ready(event);
    if (what === 'joined') this.lanes.joined(worker, Date.parse(time));
    if (what !== 'lost' && what !== 'left') return;
    this.lanes.gone(worker, Date.parse(time));
    if (what === 'left') return;
    this.leavesLost += leaves;
    push(this.leases, { time, worker, leaves, reason }, LEASES_MAX);
  }

  #ready({ engine, processor, reason }: EventOf<'worker'>): void {
    const name = engineOn(engine ?? reason, processor);
    if (this.engines.has(name) || this.engines.size >= ENGINES_MAX) return;
    this.engines.set(name, this.steps.lastStep);
  }

  /** Steps from there on are done again, so what followed them is no longer a part of the run. */
  #undo(step: number): void {
    for (const list of [this.evaluations, this.checkpoints]) {
      while ((list.at(-1)?.step ?? 0) >= step) list.pop();
    }
  }
}

function push<T>(list: T[], value: T, max: number): void {
  list.push(value);
  if (list.length > max) list.splice(0, list.length - max);
}
