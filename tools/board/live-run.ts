/** @file A run of this process, as the page sees it: an observer of its events, and its status. */
import { basename, resolve } from 'node:path';
import type { RunStatus } from '../../shared/contract/status.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import { configOf } from '../../shared/runs/reader/read.ts';
import { readPast } from './past.ts';
import { type BoardRun, type BoardSource, type LineOf, RunView } from './run-view.ts';

/** What the page needs of a run that can be asked. */
interface AskedRun {
  readonly runFolder: string;
  readonly resumed: object | undefined;
  status(): RunStatus;
  stop(): Promise<void>;
}

/** Watches a run, and is the source of its page. */
export class LiveRun implements RunObserver, BoardSource {
  readonly name = 'page';
  readonly #view: RunView;
  readonly #early: TimedEvent[] = [];
  readonly #beganMs = Date.now();
  #run: BoardRun | undefined;

  constructor(lineOf: LineOf) {
    this.#view = new RunView(lineOf);
  }

  event(event: TimedEvent): void {
    if (this.#run === undefined && event.type === 'step') this.#early.push(event);
    else this.#view.event(event);
  }

  activity(activity: TimedActivity): void {
    this.#view.activity(activity);
  }

  /** A line of the log. */
  line(text: string, mood: 'plain' | 'warning' | 'bad'): void {
    this.#view.line(text, mood);
  }

  /** The run can be asked from now on; what it did in former processes is read from its folder. */
  async attach(run: AskedRun): Promise<void> {
    const { runFolder: folder } = run;
    if (run.resumed !== undefined) {
      // Only what came before: a step that is made meanwhile is waiting.
      const limits = { lastStep: run.status().step, untilMs: this.#beganMs };
      await readPast(folder, this.#view, limits).catch(() => {});
    }
    this.#run = {
      id: basename(resolve(folder)),
      ...{ folder, view: this.#view },
      config: async () => (await configOf(folder)).config,
      status: () => run.status(),
      stop: () => run.stop(),
    };
    for (const event of this.#early.splice(0)) this.#view.event(event);
  }

  runs(): readonly BoardRun[] {
    return this.#run === undefined ? [] : [this.#run];
  }
}
