/** @file One session stream through the simulated network: what levels, which the next one replaces, may get lost. */

import type { CoordinatorMessage__Output } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { WorkerMessage } from '../../shared/contract/generated/tessera/v1/WorkerMessage.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DuplexReader, DuplexWriter } from '../../shared/exchange/grpc/calls.ts';
import type { DuplexListener } from '../../shared/exchange/grpc/handlers.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import type { Host } from './host.ts';
import {
  asSeenByCaller,
  type Breakable,
  type Route,
  throughBytes,
  unreachable,
  type Way,
  type Wire,
} from './route.ts';
import type { World } from './world.ts';

/** Who opens it, and how it travels. */
export interface SessionPlace {
  readonly world: World;
  readonly host: Host;
  readonly route: Route;
}

/** Opens a session with the coordinator that listens when the first message arrives. */
export function openSession(
  place: SessionPlace,
  firstReplyMs: number,
  reader: DuplexReader<CoordinatorMessage__Output>,
): DuplexWriter<WorkerMessage> {
  const line = new SessionLine(place, reader);
  place.host.after(firstReplyMs, () => line.expectReply());
  return { send: (message) => line.send(message), close: () => line.close() };
}

const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } =
  services.Control.service.Session;
const toServer = throughBytes(requestSerialize as never, requestDeserialize);
const toClient = throughBytes(responseSerialize as never, responseDeserialize);

/** The process that accepts a stream, and its end of it, once that process has had time. */
interface Server {
  readonly host: Host;
  listener?: DuplexListener<never>;
}

/** Both ends of one stream. */
class SessionLine implements Breakable {
  readonly wire: Wire;
  readonly #place: SessionPlace;
  readonly #reader: DuplexReader<CoordinatorMessage__Output>;
  readonly #up: (deliver: () => void) => void;
  readonly #down: (deliver: () => void) => void;
  readonly #loose: Readonly<Record<Way, (deliver: () => void) => void>>;
  #server: Server | undefined;
  #isReplied = false;
  #isClientOver = false;
  #isServerOver = false;

  constructor(place: SessionPlace, reader: DuplexReader<CoordinatorMessage__Output>) {
    this.#place = place;
    this.wire = place.route.wire;
    this.#loose = { up: place.route.loose('up'), down: place.route.loose('down') };
    this.#reader = reader;
    this.#up = place.route.lane('up');
    this.#down = place.route.lane('down');
    place.route.open.add(this);
    this.#up(() => this.#accept());
  }

  expectReply(): void {
    if (!this.#isReplied) this.#endClient(new TesseraError('TIMEOUT', 'the session: no answer'));
  }

  /** A message of the worker's. */
  send(message: WorkerMessage): void {
    if (this.#isClientOver) return;
    const arrived = toServer(message);
    this.#travel('up', message.heartbeat !== undefined, () => {
      const server = this.#server;
      if (server === undefined || this.#isServerOver) return;
      server.host.run(() => {
        if (this.#isServerOver) return;
        try {
          server.listener?.onMessage(arrived as never);
        } catch (error) {
          this.#endServer(error);
        }
      });
    });
  }

  /** The worker ends the stream. */
  close(): void {
    if (this.#isClientOver) return;
    this.#isClientOver = true;
    this.#up(() => this.#closeServer('the other side closed the session'));
    this.#forget();
  }

  /** The connection is gone; both ends notice, each in its own time. */
  break(): void {
    const { world, route } = this.#place;
    world.timeline.after(world.delayMs('any'), () => this.#endClient(unreachable('the session')));
    world.timeline.after(world.delayMs('any'), () => this.#closeServer('the connection was lost'));
    route.open.delete(this);
  }

  #accept(): void {
    const { world, host } = this.#place;
    const { listener } = world;
    if (listener === undefined) {
      this.break();
      return;
    }
    // What arrives while the process sleeps waits behind this, as in the buffers of its socket.
    const server: Server = { host: listener.host };
    this.#server = server;
    server.host.run(() => {
      server.listener = listener.calls.session({
        peer: `${host.name}:1`,
        send: (message) => this.#reply(message as { assignment?: never }),
        end: (error) => this.#endServer(error),
      }) as DuplexListener<never>;
    });
  }

  #reply(message: { assignment?: never; alive?: never }): void {
    if (this.#isServerOver) return;
    const { world, host } = this.#place;
    // One that has lost its run is about to end, and knows less than the other.
    const isServing = this.#server === undefined || world.isServedBy(this.#server.host);
    if (isServing) world.watch(() => world.oracle.sent(message));
    const arrived = toClient(message);
    this.#travel('down', message.assignment !== undefined || message.alive !== undefined, () => {
      this.#isReplied = true;
      host.run(() => {
        if (this.#isClientOver) return;
        try {
          this.#reader.onMessage(arrived as CoordinatorMessage__Output);
        } catch (error) {
          this.#endClient(TesseraError.from(error));
        }
      });
    });
  }

  /** What is no level arrives, and in order, unless the line breaks. */
  #travel(way: Way, isLevel: boolean, deliver: () => void): void {
    if (!isLevel) {
      (way === 'up' ? this.#up : this.#down)(deliver);
      return;
    }
    for (let copy = this.#place.world.copiesOfMessage(); copy > 0; copy -= 1) {
      this.#loose[way](deliver);
    }
  }

  /** The coordinator ends the stream; what it sent before still arrives. */
  #endServer(error?: unknown): void {
    if (this.#isServerOver) return;
    this.#down(() => this.#endClient(error === undefined ? undefined : asSeenByCaller(error)));
    const { world } = this.#place;
    const reason =
      error === undefined ? 'the session was closed' : TesseraError.from(error).sentence;
    world.timeline.after(0, () => this.#closeServer(reason));
  }

  #closeServer(reason: string): void {
    if (this.#isServerOver) return;
    this.#isServerOver = true;
    this.#server?.host.run(() => this.#server?.listener?.onClosed(reason));
    this.#forget();
  }

  #endClient(error: TesseraError | undefined): void {
    if (this.#isClientOver) return;
    this.#isClientOver = true;
    this.#place.host.run(() => this.#reader.onClosed(error));
    this.#forget();
  }

  #forget(): void {
    if (this.#isClientOver && this.#isServerOver) this.#place.route.open.delete(this);
  }
}
