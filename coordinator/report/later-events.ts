/** @file The events of a run on their way to its observers: what a step leads to goes out to the workers first. */
import type { RunEvent } from '../../shared/runs/events.ts';

/** Passes events on in their order, once what is under way has had its turn. */
export class LaterEvents {
  readonly #pass: (event: RunEvent) => void;
  #waiting: RunEvent[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(pass: (event: RunEvent) => void) {
    this.#pass = pass;
  }

  /** Bound: the events of one turn of the event loop. */
  readonly emit = (event: RunEvent): void => {
    this.#waiting.push(event);
    this.#turn ??= setImmediate(() => this.flush());
  };

  /** Passes on at once what waits. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const events = this.#waiting;
    this.#waiting = [];
    for (const event of events) this.#pass(event);
  }
}
