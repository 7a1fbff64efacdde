/** @file The main thread's half of what travels on lanes: one push or pull of the host for all ranges of a vector. */
import type { NodeHeader, ParametersRange, PushOutcome } from '../../../contract/messages.ts';
import { deferred } from '../../../core/async.ts';
import { assert, TesseraError } from '../../../core/errors.ts';
import type { VectorPlace } from '../../../kernels/vectors.ts';
import type { ExchangeHost, IncomingNode, OutgoingParameters } from '../../exchange.ts';
import type { LaneReply, LaneRequest } from './messages.ts';
import { RangedTransfer } from './ranges.ts';

/** The transfers on all lanes. A call is named by its lane and its number there. */
export class LaneTransfers {
  readonly #host: ExchangeHost;
  readonly #placeOf: (vector: Float32Array) => VectorPlace;
  readonly #transfers = new Map<string, Push | Pull>();
  readonly #byCall = new Map<string, { readonly key: string; readonly transfer: Push | Pull }>();

  constructor(host: ExchangeHost, placeOf: (vector: Float32Array) => VectorPlace) {
    this.#host = host;
    this.#placeOf = placeOf;
  }

  /** The reply to a call. Throws  what the host refuses it with; what another range of the vector has failed with. */
  async ask(call: string, request: LaneRequest): Promise<LaneReply> {
    switch (request.type) {
      case 'push':
        return this.#push(call, request);
      case 'pull':
        return await this.#pull(call, request);
      case 'arrived':
        return { outcome: await this.#of(call, Push).arrived(call) };
      case 'confirm':
        await this.#of(call, Pull).confirm(call);
        return {};
      default:
        return request satisfies never;
    }
  }

  /** A call is over, finished or not. */
  ended(
    call: string,
    error = new TesseraError('CANCELLED', 'a range of the vector is gone'),
  ): void {
    const known = this.#byCall.get(call);
    if (known === undefined) return;
    this.#byCall.delete(call);
    const { key, transfer } = known;
    if (transfer.ended(call, error)) this.#transfers.delete(key);
  }

  #push(call: string, { session, node, range }: Extract<LaneRequest, { type: 'push' }>): LaneReply {
    const worker = this.#host.workerOf(session);
    const key = `push/${session}/${range.transfer}/${nodeKey(node)}`;
    let push = this.#transfers.get(key);
    if (push === undefined) {
      const begun = this.#host.beginPush(worker, node);
      if (typeof begun === 'string') return { outcome: begun };
      push = new Push(begun);
    }
    assert(push instanceof Push, 'keys of pushes are their own');
    const { gradient } = push;
    try {
      if (gradient === undefined) {
        throw new TesseraError('MESSAGE_INVALID', 'push: an evaluation has no gradient');
      }
      push.ranges.begin(call, range);
    } catch (error) {
      if (push.ranges.isOver) push.release();
      throw error;
    }
    this.#note(call, key, push);
    return { place: this.#placeOf(gradient) };
  }

  async #pull(
    call: string,
    { session, wanted, range }: Extract<LaneRequest, { type: 'pull' }>,
  ): Promise<LaneReply> {
    const worker = this.#host.workerOf(session);
    const key = `pull/${session}/${range.transfer}/${parametersKey(wanted)}`;
    const known = this.#transfers.get(key);
    const pull = known ?? new Pull(this.#host, worker, wanted, range.total);
    assert(pull instanceof Pull, 'keys of pulls are their own');
    pull.ranges.begin(call, range);
    this.#note(call, key, pull);
    return { place: this.#placeOf(await pull.values()) };
  }

  #note(call: string, key: string, transfer: Push | Pull): void {
    this.#transfers.set(key, transfer);
    this.#byCall.set(call, { key, transfer });
  }

  #of<T extends Push | Pull>(call: string, kind: new (...parts: never[]) => T): T {
    const transfer = this.#byCall.get(call)?.transfer;
    if (transfer instanceof kind) return transfer;
    throw new TesseraError('CANCELLED', 'the call is over');
  }
}

function nodeKey({ kind, step, version, first, count }: NodeHeader): string {
  return [kind, step, version, first, count].join('/');
}

function parametersKey({ version, average = false, first }: ParametersRange): string {
  return [version, average, first].join('/');
}

/** A node whose gradient comes in ranges. */
class Push {
  readonly ranges: RangedTransfer;
  readonly #node: IncomingNode;
  readonly #outcome = deferred<PushOutcome>();
  #isFinishing = false;

  constructor(node: IncomingNode) {
    this.#node = node;
    this.ranges = new RangedTransfer(node.gradient?.length ?? 0);
    // Its calls may all be gone.
    this.#outcome.promise.catch(() => {});
  }

  get gradient(): Float32Array | undefined {
    return this.#node.gradient;
  }

  /** The outcome of the node, once its last range is there. */
  async arrived(call: string): Promise<PushOutcome> {
    if (this.ranges.arrived(call)) void this.#finish();
    return await this.#outcome.promise;
  }

  /** Whether this was the last of its calls. */
  ended(call: string, error: TesseraError): boolean {
    const { ranges } = this;
    ranges.end(call, error);
    if (ranges.fault !== undefined) this.#outcome.reject(ranges.fault);
    // Threads write into the vector as long as there are calls.
    if (ranges.isOver && !this.#isFinishing) this.release();
    return ranges.isOver;
  }

  release(): void {
    this.#node.end();
  }

  async #finish(): Promise<void> {
    this.#isFinishing = true;
    try {
      this.#outcome.resolve(await this.#node.finish());
    } catch (error) {
      this.#outcome.reject(error);
    } finally {
      this.release();
    }
  }
}

/** Parameters that go out in ranges. */
class Pull {
  readonly ranges: RangedTransfer;
  readonly #total: number;
  readonly #parameters: Promise<OutgoingParameters>;

  constructor(host: ExchangeHost, worker: string, wanted: ParametersRange, total: number) {
    this.ranges = new RangedTransfer(total);
    this.#total = total;
    // Lanes round what they send: the host need not.
    const whole: ParametersRange = { ...wanted, valueType: 'f32' };
    this.#parameters = Promise.resolve(host.beginPull(worker, whole));
    this.#parameters.catch(() => {});
  }

  /** Throws  what the host refuses; CHUNK_CORRUPT where another length is asked for. */
  async values(): Promise<Float32Array> {
    const { values } = await this.#parameters;
    if (values.length === this.#total) return values;
    const sentence = `${this.#total} values are asked for, there are ${values.length}`;
    throw new TesseraError('CHUNK_CORRUPT', sentence);
  }

  /** Throws  STEP_STALE when the values may have changed. */
  async confirm(call: string): Promise<void> {
    (await this.#parameters).confirm();
    this.ranges.arrived(call);
  }

  /** Whether this was the last of its calls. */
  ended(call: string, error: TesseraError): boolean {
    this.ranges.end(call, error);
    if (this.ranges.isOver) {
      this.#parameters.then(
        (parameters) => parameters.end(),
        () => {},
      );
    }
    return this.ranges.isOver;
  }
}
