/** @file A run of this process, as the page sees it: an observer of its events, and its status. */
import { basename, resolve } from 'node:path';
import type { RunStatus } from '../../shared/contract/status.ts';
import type { TimedActivity } from '../../shared/runs/activity.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import { Gathered } from '../../shared/runs/later/gathered.ts';
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

/** Events that wait while the past of the run is read; more are shown before it. */
const EARLY_MAX = 20_000;

/** Watches a run, and is the source of its page. */
export class LiveRun implements RunObserver, BoardSource {
  readonly name = 'page';
  readonly #view: RunView;
  readonly #early: TimedEvent[] = [];
  readonly #lately: Gathered<TimedEvent | TimedActivity>;
  #isWaiting = true;
  #firstTime: string | undefined;
  #run: BoardRun | undefined;

  constructor(lineOf: LineOf) {
    const view = new RunView(lineOf);
    this.#view = view;
    this.#lately = new Gathered((item) =>
      'atMs' in item ? view.activity(item) : view.event(item),
    );
  }

  event(event: TimedEvent): void {
    this.#firstTime ??= event.time;
    if (this.#isWaiting && this.#early.length < EARLY_MAX) this.#early.push(event);
    else this.#lately.add(event);
  }

  activity(activity: TimedActivity): void {
    this.#lately.add(activity);
  }

  /** A line of the log. */
  line(text: string, mood: 'plain' | 'warning' | 'bad'): void {
    this.#lately.takeAll();
    this.#view.line(text, mood);
  }

  /**
   * The run can be asked from now on; what it did in former processes is read from its folder. `origins` says where the
   * values of its config come from. Throws  DATA_INVALID when its past cannot be read: then the page begins with now.
   */
  async attach(run: AskedRun, origins: ReadonlyMap<string, string> = new Map()): Promise<void> {
    const { runFolder: folder } = run;
    this.#run = {
      id: basename(resolve(folder)),
      ...{ folder, view: this.#view, origins, isLive: true },
      config: async () => (await configOf(folder)).config,
      status: () => run.status(),
      stop: () => run.stop(),
    };
    try {
      // What this process does is in the file too: it comes as events.
      const before = this.#firstTime ?? new Date().toISOString();
      if (run.resumed !== undefined) await readPast(folder, this.#view, before);
    } finally {
      this.#isWaiting = false;
      for (const event of this.#early.splice(0)) this.#lately.add(event);
    }
  }

  /** As of now: what has happened is worked on when a page asks. */
  runs(): readonly BoardRun[] {
    this.#lately.takeAll();
    return this.#run === undefined ? [] : [this.#run];
  }
}
