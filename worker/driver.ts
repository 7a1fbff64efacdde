/**
 * @file Carries the session core's decisions out: link, feeder and compute thread on one side, the
 * state machine on the other. The driver decides nothing about the session.
 */

import type { ExecutableCache } from '../shared/compute/executable-cache.ts';
import type { ParametersId } from '../shared/contract/messages.ts';
import { withDeadline } from '../shared/core/async.ts';
import { type ErrorReport, NO_ERROR, reportOf } from '../shared/core/error-report.ts';
import { assert, TesseraError } from '../shared/core/errors.ts';
import { foundSentence } from '../shared/data/found.ts';
import { divergedError } from './compute/divergence.ts';
import type { NodeTask, SessionEffect, SessionEvent } from './core/messages.ts';
import { Session } from './core/session.ts';
import { errorOf, passingError } from './exchange/refusals.ts';
import { RunExecutables } from './exchange/run-executables.ts';
import { Line, type LineOptions } from './line.ts';
import { computeNode, type FinishedNode } from './node-work.ts';
import type { Preparation, Prepare, WorkerChoice } from './prepare.ts';
import { Pulls } from './pulls.ts';
import { TimeLedger } from './time-ledger.ts';

/** What a worker is started with. */
export interface WorkerOptions extends LineOptions {
  readonly choice: WorkerChoice;
  /** Builds what the run needs, after the first welcome. */
  readonly prepare: Prepare;
  /** Programs that were compiled in earlier runs. */
  readonly executableCache?: ExecutableCache;
  /** Whether the coordinator is one whose executables may run here; asked each time. */
  mayShareExecutables?(): boolean;
  readonly reconnectMs: number;
  /** Resident memory of the process. */
  memoryBytes?(): number;
  /** Makes the pauses between attempts differ between workers. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** The interval between two ticks of the core. */
const TICK_MS = 100;
/** How long an engine may be at its last call: a leaf of a large model on few cores takes a minute. */
const ENGINE_END_MS = 120_000;

/** One worker, from its first join to its end. */
export class WorkerDriver {
  readonly #options: WorkerOptions;
  readonly #session: Session;
  readonly #line: Line;
  readonly #inbox: SessionEvent[] = [];
  readonly #time = new TimeLedger();
  readonly #pulls = new Pulls(() => this.#options.link.exchange);
  readonly #end: (error: TesseraError | undefined) => void;
  /** Settles when the worker is done: rejects with the reason if that is not a finished run. */
  readonly finished: Promise<void>;
  #handling = false;
  #preparing: Promise<Preparation | undefined> = Promise.resolve(undefined);
  #preparation: Preparation | undefined;
  #modelFingerprint = '';
  #computing = new AbortController();
  #stopped = false;
  /** Ends what waits for other workers once this one goes. */
  readonly #going = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#session = new Session({ reconnectMs: options.reconnectMs, seed: options.seed });
    const driver = this;
    this.#line = new Line(options, {
      get isStopped() {
        return driver.#stopped;
      },
      get built() {
        const engine = driver.#preparation?.engine.description ?? options.choice.engine ?? 'auto';
        return { engine, modelFingerprint: driver.#modelFingerprint };
      },
      numLeaves: (assignment) => this.#prepared.feeder.numLeaves(assignment),
      dispatch: (event) => this.#dispatch(event),
    });
    let settle!: (error: TesseraError | undefined) => void;
    this.finished = new Promise((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#end = settle;
  }

  /** Joins, works and leaves, at the end of the run or once its signal aborts; settles like `finished`. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    const stopTicking = clock.every(TICK_MS, () => this.#dispatch({ type: 'tick' }));
    const onAbort = () => this.#dispatch({ type: 'drain' });
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#dispatch({ type: 'started' });
      await this.finished;
    } finally {
      stopTicking();
      signal.removeEventListener('abort', onAbort);
      this.#computing.abort();
      this.#going.abort();
      this.#line.stream?.close();
      this.#options.link.close();
      await this.#closeEngine().catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'leaving an engine that does not end'),
      );
    }
  }

  /** Ends the engine, or what is on its way to be one. Throws  TIMEOUT. */
  async #closeEngine(): Promise<void> {
    const prepared = this.#preparing.catch(() => undefined);
    const closed = prepared.then((preparation) =>
      Promise.all([preparation?.engine.close(), preparation?.feeder.close()]),
    );
    await withDeadline(this.#options.clock, closed, ENGINE_END_MS, 'the end of the engine');
  }

  #dispatch(event: SessionEvent): void {
    if (this.#stopped) return;
    this.#inbox.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        for (const effect of this.#session.handle(next, this.#options.clock.nowMs())) {
          this.#perform(effect);
        }
      }
    } catch (error) {
      this.#leave(TesseraError.from(error));
    } finally {
      this.#handling = false;
    }
  }

  #perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'connect':
        this.#inBackground(this.#line.connect(effect));
        break;
      case 'prepare':
        this.#inBackground(this.#prepare());
        break;
      case 'sendReady':
        this.#line.stream?.sendReady({
          modelFingerprint: this.#modelFingerprint,
          engine: this.#engine.description,
          engineId: this.#engine.id,
          processor: this.#engine.processor,
          slots: this.#engine.slots,
          devices: this.#engine.devices,
        });
        break;
      case 'sendHeartbeat':
        this.#line.stream?.sendHeartbeat({
          assignment: effect.assignment,
          leavesOpen: effect.leavesOpen,
          error: effect.error ?? NO_ERROR,
          memoryBytes: this.#options.memoryBytes?.(),
          devices: this.#preparation?.engine.devices,
          log: this.#line.logFor('oldest'),
        });
        break;
      case 'pull':
        this.#inBackground(this.#pull(effect));
        break;
      case 'prefetch':
        this.#pulls.prefetch(effect, this.#prepared);
        break;
      case 'compute':
        this.#computing = new AbortController();
        this.#inBackground(this.#compute(effect.task, this.#computing.signal));
        break;
      case 'cancelCompute':
        this.#computing.abort();
        break;
      case 'abandon':
        this.#leave(errorOf(effect));
        break;
      case 'stop':
        this.#stop(effect);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Watches work that reports by events; what it throws ends the worker. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#leave(TesseraError.from(error)));
  }

  async #prepare(): Promise<void> {
    const { log, choice, link, prepare, clock, executableCache: cache } = this.#options;
    const { signal } = this.#going;
    const welcome = this.#line.joined;
    await this.#closeEngine();
    const preparing = prepare(welcome, choice, {
      samples: (split, indices) => link.exchange.fetchSamples(split, indices),
      features: (split, indices, shape) => link.exchange.fetchFeatures(split, indices, shape),
      executables: new RunExecutables({
        exchange: () => link.exchange,
        ...{ cache, clock, log, signal },
        mayShare: () => this.#options.mayShareExecutables?.() ?? true,
      }),
    });
    this.#preparing = preparing;
    this.#preparation = await preparing;
    const { modelFingerprint, testsAverage, exchange, localData } = this.#preparation;
    if (localData !== undefined) log.info(`data set: ${foundSentence(localData)}`);
    this.#modelFingerprint = modelFingerprint;
    this.#pulls.begin();
    for (const note of this.#preparation.notes ?? []) log.warn(note);
    log.info({ engine: this.#engine.description, run: welcome.run }, 'model compiled');
    const trainsOn = exchange.parameters;
    this.#dispatch({ type: 'prepared', modelFingerprint, testsAverage, trainsOn });
  }

  async #pull(wanted: ParametersId): Promise<void> {
    const prepared = this.#prepared;
    let parameters: Float32Array;
    try {
      parameters = await this.#time.measure('pull', () => this.#pulls.fetch(wanted, prepared));
    } catch (thrown) {
      const { version } = wanted;
      const passing = passingError(thrown);
      const level = passing.error ? 'warn' : 'debug';
      this.#options.log[level]({ err: thrown, version }, 'pull failed');
      return this.#dispatch({ type: 'pullRefused', version, ...passing });
    }
    // The leaves that follow are behind it in the same thread: they need not wait for its reply.
    this.#inBackground(this.#pulls.place(parameters, prepared));
    this.#dispatch({ ...wanted, type: 'pulled' });
  }

  /** Computes a node leaf by leaf, the next leaf being prepared meanwhile, then pushes it. */
  async #compute(task: NodeTask, signal: AbortSignal): Promise<void> {
    const time = this.#time;
    // A retry does not fix an engine that fails; a new process may.
    const onRefused = (error: unknown) => this.#leave(TesseraError.from(error));
    let node: FinishedNode | undefined;
    try {
      node = await computeNode(task, { ...this.#prepared, time, signal, onRefused });
    } catch (thrown) {
      // The samples did not come.
      return this.#dispatch({ type: 'pushFailed', task, ...passingError(thrown) });
    }
    if (node === undefined) return;
    if (node.broken !== undefined) return this.#leave(divergedError(task, node.broken));
    this.#dispatch({ type: 'nodeComputed', task });
    await this.#push(task, node);
  }

  async #push(task: NodeTask, node: FinishedNode): Promise<void> {
    const { link, log } = this.#options;
    const { gradient, features, broken: _, ...totals } = node;
    const timings = this.#time.take();
    const gradientType = this.#prepared.exchange.gradients;
    try {
      const outcome = await this.#time.measure('push', () =>
        link.exchange.pushNode(
          { ...task, ...totals, timings, gradientType },
          { gradient, features },
        ),
      );
      log.debug({ step: task.step, first: task.first, count: task.count, outcome }, 'node pushed');
      this.#dispatch({ type: 'nodePushed', task });
      // All of it has arrived; of a push that was refused some bytes may still be on their way.
      if (outcome === 'accepted' && gradient !== undefined) this.#engine.recycle?.(gradient);
    } catch (thrown) {
      const passing = passingError(thrown);
      log.warn({ err: thrown, step: task.step }, 'push failed');
      this.#dispatch({ type: 'pushFailed', task, ...passing });
    }
  }

  get #prepared(): Preparation {
    assert(this.#preparation !== undefined, 'the model is compiled');
    return this.#preparation;
  }

  get #engine(): Preparation['engine'] {
    return this.#prepared.engine;
  }

  /** Leaves because of a failure, and sends it to the coordinator. */
  #leave(error: TesseraError): void {
    if (this.#stopped) return;
    this.#line.leave(reportOf(error));
    this.#stopped = true;
    this.#end(error);
  }

  #stop(end: ErrorReport): void {
    this.#stopped = true;
    this.#line.leave(end.code === '' ? NO_ERROR : end);
    this.#end(end.code === '' ? undefined : errorOf(end));
  }
}
