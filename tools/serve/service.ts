/** @file Replies to the requests of `tessera serve`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deferred } from '../../shared/core/async.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { type HttpSecurity, refuseUnlessKnown } from '../http/access.ts';
import { EXPOSITION_TYPE } from '../http/exposition.ts';
import { type Refusal, refused } from '../http/refusal.ts';
import { bestGuesses } from '../inference/top-classes.ts';
import { HeldBytes, noRoom, receiveImage } from './body.ts';
import type { ServeLimits } from './limits.ts';
import { ServerMetrics } from './metrics.ts';
import type { Failure } from './model-messages.ts';
import type { Page } from './page.ts';
import { ImageQueue } from './queue.ts';
import { type Asked, judgeHead } from './requests.ts';
import type { ServedModel } from './served-model.ts';

/** What a service is made of. */
export interface ServiceOptions {
  readonly model: ServedModel;
  /** Images of one computation, at most. */
  readonly batch: number;
  readonly page: Page;
  readonly security: HttpSecurity | undefined;
  /** Whether it is plaintext on loopback: then it has the names of this machine only. */
  readonly isLocal: boolean;
  readonly limits: ServeLimits;
  readonly clock: Clock;
}

/** A reply. */
interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** How long the rest of a body is thrown away, so that a client that still sends it can read why it is refused. */
const LINGER_MS = 2_000;

/** The status of a failed image. */
const STATUS: Readonly<Partial<Record<Failure['code'], number>>> = {
  DATA_INVALID: 422,
  SYSTEM: 503,
};

/** One server's requests. */
export class PredictionService {
  readonly #options: ServiceOptions;
  readonly #metrics = new ServerMetrics();
  readonly #held: HeldBytes;
  readonly #queue: ImageQueue;
  readonly #failure = deferred<never>();
  #isEnding = false;

  constructor(options: ServiceOptions) {
    const { model, batch, clock, limits } = options;
    this.#options = options;
    this.#held = new HeldBytes(limits.heldBytesMax);
    this.#failure.promise.catch(() => {});
    this.#queue = new ImageQueue({
      ...{ model, batch, clock, waitingMax: limits.waitingMax },
      onBatch: (images, seconds) => this.#metrics.computed(images, seconds),
      onFailure: (error) => this.#failure.reject(error),
    });
  }

  /** Rejects when the model can compute nothing more. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** From now on new predictions are refused: the server ends. */
  end(): void {
    this.#isEnding = true;
  }

  /** Replies to one request; `connections` are those of the server. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    { connections, waitsToSend }: { readonly connections: number; readonly waitsToSend: boolean },
  ): Promise<void> {
    const startedMs = this.#options.clock.nowMs();
    const { method = '', url = '', headers } = request;
    const { isLocal, limits } = this.#options;
    const asked = judgeHead({ method, url, headers }, { isLocal, ...limits });
    const reply = await this.#replyTo(asked, request, response, { connections, waitsToSend });
    const path = url.split('?', 1)[0];
    if (path === '/predict') {
      this.#metrics.replied(reply.status, (this.#options.clock.nowMs() - startedMs) / 1000);
    }
    await this.#send(reply, request, response);
  }

  async #replyTo(
    asked: Asked,
    request: IncomingMessage,
    response: ServerResponse,
    { connections, waitsToSend }: { readonly connections: number; readonly waitsToSend: boolean },
  ): Promise<Reply> {
    const { page, security, model } = this.#options;
    switch (asked.type) {
      case 'refused':
        return refusalOf(asked);
      case 'page':
        return {
          status: 200,
          type: 'text/html; charset=utf-8',
          body: page.html,
          headers: page.headers,
        };
      case 'health': {
        const { name, classes, engine } = model.description;
        const status = this.#isEnding ? 'ending' : 'ok';
        const health = { status, model: name, classes: classes.length, engine };
        return jsonReply(this.#isEnding ? 503 : 200, health);
      }
    }
    const unknown = refuseUnlessKnown(request, security);
    if (unknown !== undefined) return refusalOf(unknown);
    if (asked.type === 'metrics') {
      const gauges = {
        ...{ connections, waiting: this.#queue.waiting, heldBytes: this.#held.held },
        residentBytes: process.memoryUsage.rss(),
      };
      return { status: 200, type: EXPOSITION_TYPE, body: this.#metrics.text(gauges) };
    }
    if (this.#isEnding) return refusalOf(noRoom(1));
    if (waitsToSend) response.writeContinue();
    return await this.#predict(asked, request, response);
  }

  async #predict(
    { top, withLogits }: Extract<Asked, { type: 'predict' }>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Reply> {
    const received = await receiveImage(request, this.#held, this.#options.limits.bodyBytesMax);
    if (!('image' in received)) return refusalOf(received);
    const gone = new AbortController();
    const leave = () => gone.abort(new Error('the client is gone'));
    response.once('close', leave);
    try {
      const queued = await this.#queue.compute(received.image, gone.signal);
      if (queued.retryAfterSeconds !== undefined)
        return refusalOf(noRoom(queued.retryAfterSeconds));
      const { outcome } = queued;
      if (outcome.failure !== undefined) {
        const { code, sentence } = outcome.failure;
        return refusalOf(refused(STATUS[code] ?? 500, code, sentence));
      }
      const { logits } = outcome;
      const guesses = bestGuesses(logits, this.#options.model.description.classes, top);
      return jsonReply(200, { guesses, ...(withLogits && { logits: Array.from(logits) }) });
    } finally {
      response.off('close', leave);
      received.release();
    }
  }

  async #send(
    { status, type, body, headers }: Reply,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const bytes = Buffer.from(body);
    const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
    const isWhole = request.complete || (length === '0' && coding === undefined);
    response.writeHead(status, {
      ...{ 'content-type': type, 'content-length': bytes.length, 'cache-control': 'no-store' },
      ...{ 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' },
      ...((this.#isEnding || !isWhole) && { connection: 'close' }),
      ...headers,
    });
    if (request.method !== 'HEAD') response.write(bytes);
    if (!isWhole) await this.#throwAway(request);
    response.end();
  }

  /** Throws the rest of a body away, for a while. */
  async #throwAway(request: IncomingMessage): Promise<void> {
    const ended = new Promise<void>((done) => request.once('end', done).once('close', done));
    request.resume();
    await Promise.race([ended, this.#options.clock.sleep(LINGER_MS)]);
  }
}

function jsonReply(status: number, value: object, headers?: Reply['headers']): Reply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n`, headers };
}

function refusalOf({ status, code, sentence, headers }: Refusal): Reply {
  return jsonReply(status, { error: { code, sentence } }, headers);
}

/** The reply to a request whose handling failed. */
export function failureReply(thrown: unknown): { readonly status: 500; readonly body: string } {
  const { code, sentence } = TesseraError.from(thrown);
  return { status: 500, body: `${JSON.stringify({ error: { code, sentence } })}\n` };
}
