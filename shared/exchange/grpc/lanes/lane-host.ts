/** @file The main thread's end of the lanes: started, replied to, and stopped. */
import type { MessagePort } from 'node:worker_threads';
import { withPort } from '../../../core/address.ts';
import { deferred } from '../../../core/async.ts';
import { reportOf } from '../../../core/error-report.ts';
import { TesseraError } from '../../../core/errors.ts';
import type { VectorPlace } from '../../../kernels/vectors.ts';
import type { ExchangeHost } from '../../exchange.ts';
import type { ServerSecurity } from '../credentials.ts';
import type { CallReporter } from '../handlers.ts';
import { LaneTransfers } from './lane-transfers.ts';
import {
  errorIn,
  type LaneLimits,
  type LaneNews,
  type LaneOrder,
  type LaneReply,
  type LaneStart,
} from './messages.ts';

/** Threads that lanes are served in: `serveLane` is called there. */
export interface LaneThreads {
  /** The main thread's end of messages with one of them. */
  openLane(index: number): MessagePort;
  /** How they find a vector. */
  placeOf(vector: Float32Array): VectorPlace;
}

/** How lanes are served. */
export interface LaneSettings {
  /** One in each of the first threads. */
  readonly count: number;
  /** HOST:PORT of the coordinator; lanes listen on the same host. */
  readonly listen: string;
  /** Port of the first lane, the others follow it; 0: any free ones. */
  readonly firstPort: number;
  readonly limits: LaneLimits;
  readonly security: ServerSecurity | undefined;
  readonly report: CallReporter;
}

/** Lanes that are served. */
export interface Lanes {
  readonly ports: readonly number[];
  /** As the server's own. */
  stop(graceMs: number): Promise<void>;
}

/** Serves lanes. Throws  PORT_IN_USE and the like, as the server of the coordinator's own port does. */
export async function startLanes(
  threads: LaneThreads,
  host: ExchangeHost,
  settings: LaneSettings,
): Promise<Lanes> {
  const { count, listen, firstPort, limits, security } = settings;
  const transfers = new LaneTransfers(host, (vector) => threads.placeOf(vector));
  const ends = Array.from({ length: count }, (_, index) => {
    const start: LaneStart = {
      listen: withPort(listen, firstPort === 0 ? 0 : firstPort + index),
      limits,
      splitSizes: host.splitSizes,
      security: security && {
        material: security.tls.current,
        tokens: hashesOf(security.tokens),
      },
    };
    return new LaneEnd(threads.openLane(index), `${index}`, { start, transfers, settings });
  });
  security?.tls.onChange(() => {
    for (const end of ends) end.send({ type: 'renew', material: security.tls.current });
  });
  const stop = async (graceMs: number) => {
    await Promise.all(ends.map((end) => end.stop(graceMs)));
  };
  try {
    return { ports: await Promise.all(ends.map(({ port }) => port)), stop };
  } catch (thrown) {
    await stop(0);
    const error = TesseraError.from(thrown);
    if (error.code !== 'PORT_IN_USE') throw error;
    throw new TesseraError(error.code, error.sentence, {
      hint: 'choose other ports by cluster.lanePort (0: any free ones)',
      cause: error,
    });
  }
}

function hashesOf(tokens: ServerSecurity['tokens']) {
  return Object.fromEntries(Object.entries(tokens).map(([role, { hashes }]) => [role, hashes]));
}

interface EndParts {
  readonly start: LaneStart;
  readonly transfers: LaneTransfers;
  readonly settings: LaneSettings;
}

/** One lane, from the main thread. */
class LaneEnd {
  readonly #messages: MessagePort;
  readonly #listens = deferred<number>();
  readonly #closed: Promise<unknown>;

  constructor(messages: MessagePort, name: string, { start, transfers, settings }: EndParts) {
    this.#messages = messages;
    this.#closed = new Promise((resolve) => messages.once('close', resolve));
    messages.on('message', (news: LaneNews) => {
      switch (news.type) {
        case 'listens':
          this.#listens.resolve(news.port);
          break;
        case 'failed':
          this.#listens.reject(errorIn(news.error));
          break;
        case 'asks':
          transfers.ask(`${name}/${news.call}`, news.request).then(
            (reply) => this.#reply(news.call, reply),
            (error: unknown) =>
              this.#reply(news.call, { error: reportOf(TesseraError.from(error)) }),
          );
          break;
        case 'ended':
          transfers.ended(`${name}/${news.call}`, news.error && errorIn(news.error));
          break;
        case 'refused':
          settings.report(errorIn(news.error), news.method, news.peer);
          break;
        default:
          news satisfies never;
      }
    });
    messages.once('close', () => {
      this.#listens.reject(new TesseraError('INTERNAL', `lane ${name} has ended`));
    });
    this.#listens.promise.catch(() => {});
    this.send({ type: 'start', start });
  }

  /** The port of the network that it got. */
  get port(): Promise<number> {
    return this.#listens.promise;
  }

  send(order: LaneOrder): void {
    this.#messages.postMessage(order);
  }

  async stop(graceMs: number): Promise<void> {
    this.send({ type: 'stop', graceMs });
    await this.#closed;
  }

  #reply(call: number, reply: LaneReply): void {
    this.send({ type: 'reply', call, reply });
  }
}
