/**
 * @file The simulated network below the product's own exchange and service: messages travel as protobuf bytes, and get
 * lost, doubled, late, corrupt; connections break; partitions hold up one way or both.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import { TesseraError } from '../../shared/core/errors.ts';
import type { OpenExchange } from '../../shared/exchange/exchange.ts';
import type { SessionCalls } from '../../shared/exchange/grpc/control-line.ts';
import {
  type BulkCall,
  type BulkCalls,
  GrpcExchange,
} from '../../shared/exchange/grpc/exchange.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import type { Host } from './host.ts';
import { Pipe } from './pipe.ts';
import {
  asSeenByCaller,
  type Breakable,
  type Listener,
  type Route,
  throughBytes,
  unreachable,
  type Wire,
} from './route.ts';
import { openSession } from './session-line.ts';
import type { World } from './world.ts';
import { damage, type Wire as WireMessage } from './wrong-bytes.ts';

const exchange = services.Exchange.service as unknown as Record<
  string,
  MethodDefinition<never, unknown>
>;

type Upload = 'pushNode' | 'pushExecutable';
type Download = 'pullParameters' | 'fetchSamples' | 'fetchFeatures' | 'fetchExecutable';

/** A worker's sessions with whatever coordinator listens when it joins. */
export function simSessionCalls(world: World, host: Host, route: Route): SessionCalls {
  return {
    open(firstReplyMs, reader) {
      route.reconnect();
      return openSession({ world, host, route }, firstReplyMs, reader);
    },
    close: () => route.break(),
  };
}

/** A worker's exchanges with whatever coordinator listens when it calls: the product's chunks over a faulty network. */
export function simExchanges(world: World, host: Host, route: Route): OpenExchange {
  const stream =
    (method: Download, about: MethodDefinition<never, unknown>) =>
    (call: BulkCall, request: unknown): AsyncIterable<never> => {
      const replies = new Pipe<never>();
      new Call(world, host, route, call, about).download(method, request, replies as Pipe<unknown>);
      return replies;
    };
  const push =
    (method: Upload, about: MethodDefinition<never, unknown>) =>
    (call: BulkCall, messages: Iterable<unknown>): Promise<never> =>
      new Promise((resolve, reject) => {
        const settle = { resolve: resolve as (reply: unknown) => void, reject };
        void new Call(world, host, route, call, about).upload(method, messages, settle);
      });
  const calls: BulkCalls = {
    pushNode: push('pushNode', exchange['PushNode']!),
    pushExecutable: push('pushExecutable', exchange['PushExecutable']!),
    pullParameters: stream('pullParameters', exchange['PullParameters']!),
    fetchSamples: stream('fetchSamples', exchange['FetchSamples']!),
    fetchFeatures: stream('fetchFeatures', exchange['FetchFeatures']!),
    fetchExecutable: stream('fetchExecutable', exchange['FetchExecutable']!),
    close: () => {},
  };
  return (settings) => new GrpcExchange(calls, settings);
}

/** One bulk call. */
class Call implements Breakable {
  readonly wire: Wire;
  readonly #world: World;
  readonly #host: Host;
  readonly #route: Route;
  readonly #back: (deliver: () => void) => void;
  readonly #call: BulkCall;
  readonly #toServer: (message: unknown) => unknown;
  readonly #toClient: (message: unknown) => unknown;
  #isOver = false;
  #fail: (error: TesseraError) => void = () => {};
  /** What the server still reads of this call. */
  readonly #requests: Pipe<unknown>[] = [];

  constructor(
    world: World,
    host: Host,
    route: Route,
    call: BulkCall,
    {
      requestSerialize,
      requestDeserialize,
      responseSerialize,
      responseDeserialize,
    }: MethodDefinition<never, unknown>,
  ) {
    this.#world = world;
    this.#host = host;
    this.#route = route;
    this.wire = route.wire;
    this.#back = route.loose('down');
    this.#call = call;
    this.#toServer = throughBytes(requestSerialize, requestDeserialize);
    this.#toClient = throughBytes(responseSerialize as never, responseDeserialize);
    route.open.add(this);
    host.after(call.deadlineMs, () =>
      this.#endBadly(new TesseraError('TIMEOUT', `${call.what}: too late`)),
    );
    call.signal?.addEventListener('abort', this.#giveUp);
  }

  break(): void {
    this.#endBadly(unreachable(this.#call.what));
  }

  /** Streams messages up and waits for the one reply. */
  async upload(
    method: Upload,
    messages: Iterable<unknown>,
    { resolve, reject }: { resolve(reply: unknown): void; reject(error: unknown): void },
  ): Promise<void> {
    this.#fail = reject;
    const world = this.#world;
    const all = damage(world, [...messages] as WireMessage[]);
    const copies = world.chance('repeatPerMessage', 'repeated') ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const requests = new Pipe<unknown>();
      this.#requests.push(requests);
      const lane = this.#route.lane('up');
      lane(() =>
        this.#serve(
          (calls): Promise<unknown> => calls[method](requests as AsyncIterable<never>),
          (reply) => this.#end(() => this.#host.run(() => resolve(this.#toClient(reply)))),
        ),
      );
      for (const message of all) lane(() => requests.push(this.#toServer(message)));
      lane(() => requests.end());
    }
  }

  /** Sends one request and streams the replies down. */
  download(method: Download, request: unknown, replies: Pipe<unknown>): void {
    this.#fail = (error) => replies.fail(error);
    const down = this.#route.lane('down');
    this.#route.lane('up')(() =>
      this.#serve(async (calls) => {
        const messages: unknown[] = [];
        const stream = calls[method](this.#toServer(request) as never) as AsyncIterable<unknown>;
        for await (const message of stream) {
          if (this.#isOver) return;
          // Encoded at once, as gRPC does: what it is made of may change later.
          messages.push(this.#toClient(message));
          await new Promise<void>((next) => this.#world.timeline.after(0.2, next));
        }
        for (const message of damage(this.#world, messages as WireMessage[]))
          down(() => this.#host.run(() => replies.push(message)));
        down(() => this.#end(() => this.#host.run(() => replies.end())));
      }),
    );
  }

  /** Runs a handler at the coordinator, if one listens; its failure travels back. */
  #serve<T>(handle: (calls: Listener['calls']) => Promise<T>, answer?: (reply: T) => void): void {
    const listener = this.#world.listener;
    const back = (deliver: () => void) => {
      if (!this.#world.chance('lossPerMessage', 'lost')) this.#back(deliver);
    };
    if (listener === undefined) {
      this.#back(() => this.break());
      return;
    }
    listener.host.run(() => {
      handle(listener.calls).then(
        (reply) => answer && listener.host.isAlive && back(() => answer(reply)),
        (error: unknown) =>
          listener.host.isAlive && back(() => this.#endBadly(asSeenByCaller(error))),
      );
    });
  }

  readonly #giveUp = (): void =>
    this.#endBadly(new TesseraError('CANCELLED', `${this.#call.what}: given up`));

  #endBadly(error: TesseraError): void {
    this.#end(() => {
      this.#world.note({ call: this.#host.name, error: error.message });
      this.#fail(error);
    });
  }

  #end(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#route.open.delete(this);
    this.#call.signal?.removeEventListener('abort', this.#giveUp);
    for (const requests of this.#requests)
      requests.fail(new TesseraError('CANCELLED', 'the caller is gone'));
    this.#host.run(settle);
  }
}
