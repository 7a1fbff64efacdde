/** @file A worker's link to its coordinator: one session at a time, and the exchange that belongs to it. */
import { setMaxListeners } from 'node:events';
import { configSchema } from '../../shared/config/schema.ts';
import type { JoinRequest, WelcomeInfo } from '../../shared/contract/messages.ts';
import { assert } from '../../shared/core/errors.ts';
import type {
  ControlLine,
  SessionListener,
  WorkerSession,
} from '../../shared/exchange/control-line.ts';
import type { Exchange, ExchangeLimits, OpenExchange } from '../../shared/exchange/exchange.ts';

/** The link of one worker. */
export class WorkerLink {
  readonly #control: ControlLine;
  readonly #openExchange: OpenExchange;
  #exchange: Exchange | undefined;
  /** Ends the transfers of the session that there was, when the next begins. */
  #transfers = new AbortController();

  constructor(control: ControlLine, openExchange: OpenExchange) {
    this.#control = control;
    this.#openExchange = openExchange;
  }

  /**
   * Opens a session over new connections and joins; its welcome opens the exchange, with the limits of the run.
   *
   * Transfers that are under way on those of the session before, whose other end may be silent, end with CANCELLED.
   */
  openSession(join: JoinRequest, listener: SessionListener): WorkerSession {
    this.#transfers.abort();
    this.#exchange?.close();
    return this.#control.join(join, {
      ...listener,
      onWelcome: (welcome) => {
        this.#transfers = new AbortController();
        const { signal } = this.#transfers;
        // Each sample that no cache holds is a call, and a leaf asks for all of its own.
        setMaxListeners(0, signal);
        const { session, memory, lanes } = welcome;
        const limits = limitsOf(welcome);
        this.#exchange = this.#openExchange({ session, limits, memory, lanes, signal });
        listener.onWelcome(welcome);
      },
    });
  }

  /** The exchange of the newest session that was welcomed. */
  get exchange(): Exchange {
    assert(this.#exchange !== undefined, 'the coordinator has welcomed this worker');
    return this.#exchange;
  }

  /** Closes the connections; what is under way ends by itself. */
  close(): void {
    this.#exchange?.close();
    this.#control.close();
  }
}

/** The limits of a run's config. One that this version cannot read has the defaults, until `prepare` refuses it. */
function limitsOf({ configJson }: WelcomeInfo): ExchangeLimits {
  const { limits } = configSchema.shape;
  try {
    return limits.parse((JSON.parse(configJson) as { limits?: unknown } | null)?.limits);
  } catch {
    return limits.parse(undefined);
  }
}
