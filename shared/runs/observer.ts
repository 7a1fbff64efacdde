/** @file Observers of a run: each gets every event, and may fail or be slow without harming the run. */
import { withDeadline } from '../core/async.ts';
import { systemClock } from '../core/clock.ts';
import { TesseraError } from '../core/errors.ts';
import type { Logger } from '../machine/log.ts';
import type { Activity, TimedActivity } from './activity.ts';
import type { RunEvent, TimedEvent } from './events.ts';

/** Watches a run: a file, a terminal, a dashboard, or a program. */
export interface RunObserver {
  /** For the log. */
  readonly name: string;
  /** Takes the next event. Until the promise that it may return settles, later events wait. */
  event(event: TimedEvent): void | Promise<void>;
  /** Takes what a worker does. It comes often, and nothing waits for it: to be kept is all that may be done with it. */
  activity?(activity: TimedActivity): void;
  /** The run is over, and every event was given. */
  close?(): void | Promise<void>;
}

/** Events that wait for a slow observer; more are dropped, and counted. */
const WAITING_MAX = 4096;
/** Longest wait at the end of a run for an observer to take what waits, and to close. */
const CLOSE_MS = 30_000;

/** Gives the events of one run to its observers, in their order. */
export class Observers {
  readonly #feeds: readonly Feed[];

  constructor(observers: readonly RunObserver[], log: Logger) {
    this.#feeds = observers.map((observer) => new Feed(observer, log));
  }

  readonly emit = (event: RunEvent): void => {
    const timed = { time: new Date().toISOString(), ...event };
    for (const feed of this.#feeds) feed.give(timed);
  };

  /** Undefined where no observer takes activities. */
  get onActivity(): ((activity: Activity) => void) | undefined {
    const feeds = this.#feeds.filter((feed) => feed.takesActivities);
    if (feeds.length === 0) return undefined;
    return (activity) => {
      const timed = { ...activity, atMs: performance.timeOrigin + performance.now() };
      for (const feed of feeds) feed.giveActivity(timed);
    };
  }

  /** Resolves when all observers have closed, or had `closeMs` for it. */
  async close(closeMs = CLOSE_MS): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.close(closeMs)));
  }
}

/** The events on their way to one observer. */
class Feed {
  readonly #observer: RunObserver;
  readonly #log: Logger;
  readonly #waiting: TimedEvent[] = [];
  /** Settles when the observer has taken what it was given; undefined while it waits for events. */
  #work: Promise<void> | undefined;
  #hasFailed = false;
  #numDropped = 0;

  constructor(observer: RunObserver, log: Logger) {
    this.#observer = observer;
    this.#log = log;
  }

  get takesActivities(): boolean {
    return this.#observer.activity !== undefined;
  }

  giveActivity(activity: TimedActivity): void {
    try {
      this.#observer.activity?.(activity);
    } catch (error) {
      this.#failed(error);
    }
  }

  give(event: TimedEvent): void {
    if (this.#work === undefined) {
      const taking = this.#take(event);
      if (taking !== undefined) this.#work = this.#takeWaiting(taking);
    } else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(event);
    else {
      this.#numDropped += 1;
      if (this.#numDropped > 1) return;
      const facts = { observer: this.#observer.name, waiting: WAITING_MAX };
      this.#log.warn(facts, 'an observer of the run is too slow: events are dropped');
    }
  }

  async close(closeMs: number): Promise<void> {
    const { name: observer } = this.#observer;
    try {
      const closing = async () => {
        await this.#work;
        await this.#observer.close?.();
      };
      await withDeadline(systemClock, closing(), closeMs, `closing the observer ${observer}`);
    } catch (error) {
      this.#failed(error);
    }
    const events = this.#numDropped + this.#waiting.length;
    if (events > 0) this.#log.warn({ observer, events }, 'an observer of the run missed events');
  }

  async #takeWaiting(taking: Promise<void>): Promise<void> {
    await taking;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#take(next);
    }
    this.#work = undefined;
  }

  /** Gives an event; its promise never rejects. Undefined when the observer has taken it. */
  #take(event: TimedEvent): Promise<void> | undefined {
    try {
      const taking = this.#observer.event(event);
      return taking?.catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** A failure is said once: later events may pass. */
  #failed(thrown: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const facts = { observer: this.#observer.name, err: TesseraError.from(thrown) };
    this.#log.warn(facts, 'an observer of the run failed, the run continues');
  }
}
