/** @file A coordinator as its gRPC service, its operator and the clock see it: one method for each thing they ask of it. */
import type {
  ArrivedNode,
  Heartbeat,
  JoinRequest,
  Leave,
  NodeHeader,
  PushOutcome,
  Ready,
  WelcomeInfo,
} from '../shared/contract/messages.ts';
import type { RunStatus, StoppingRun } from '../shared/contract/status.ts';
import { TesseraError } from '../shared/core/errors.ts';
import type { ValueType } from '../shared/core/floats.ts';
import { UNDISTURBED } from '../shared/runs/spot.ts';
import { ExecutableKeeper } from './executables/keeper.ts';
import { type DriverParts, RunLoop } from './loop.ts';
import { NO_DELAYS } from './report/delays.ts';
import type { RunWarnings } from './report/run-warnings.ts';
import { describeStatus } from './report/status.ts';
import type { CoordinatorPort, RunData } from './service/run-port.ts';
import { FeatureStore } from './step/features.ts';
import type { RunProgress } from './step/progress.ts';
import type { SessionHandle, Sessions, TransferKind } from './workers/sessions.ts';

/** The living coordinator of one run. */
export class CoordinatorDriver implements CoordinatorPort {
  readonly gradientLength: number;
  readonly gradientType: ValueType;
  readonly data: RunData;
  readonly executables: ExecutableKeeper;
  readonly #parts: DriverParts;
  readonly #loop: RunLoop;

  constructor(parts: DriverParts) {
    const { store, identity, source } = parts;
    this.#parts = parts;
    this.#loop = new RunLoop(parts);
    this.gradientLength = store.trainable;
    this.gradientType = identity.config.exchange.gradients;
    const features = new FeatureStore(identity.model.width, identity.config.limits.featureBytes);
    this.data = { source, features };
    this.executables = new ExecutableKeeper({
      ...parts,
      runFolder: identity.runFolder,
      limits: identity.config.limits,
      processOf: (worker) => this.sessions.byWorker(worker)?.instance,
      isHere: (process) => this.sessions.all().some(({ instance }) => instance === process),
    });
  }

  /** Lets time pass: silent workers and lapsed leases are noticed. */
  tick(): void {
    this.#loop.tick();
  }

  /** Ends the run early: what is trained so far is saved first, unless the folder is another coordinator's by now. */
  async stop(reason: TesseraError): Promise<void> {
    await this.#loop.stop(reason);
  }

  // ---- what the service calls ----

  join(request: JoinRequest, handle: SessionHandle): WelcomeInfo {
    this.sessions.absent.returned(request.instance);
    if (this.#loop.hasEnded) {
      // Its connection broke before it received the end.
      handle.send(this.#loop.farewell);
      throw new TesseraError('DRAINING', 'the run is over');
    }
    return this.#loop.roster.join(request, handle);
  }

  ready(worker: string, ready: Ready): void {
    this.#loop.roster.ready(worker, ready);
  }

  heartbeat(worker: string, heartbeat: Heartbeat): void {
    this.#loop.roster.heartbeat(worker, heartbeat);
  }

  leave(worker: string, leave: Leave): void {
    this.#loop.roster.leave(worker, leave);
  }

  sessionClosed(session: string, reason: string): void {
    this.#loop.roster.sessionClosed(session, reason);
  }

  workerOf(session: string): string {
    return this.sessions.bySession(session).worker;
  }

  judge(node: ArrivedNode): PushOutcome {
    return this.#loop.isOpen ? this.#parts.run.judge(node) : 'stale';
  }

  takeGradient(): Float32Array {
    return this.#parts.store.reducers.vectors.float32(this.gradientLength);
  }

  giveBack(gradient: Float32Array): void {
    this.#parts.store.reducers.vectors.release(gradient);
  }

  nodeArrived(worker: string, node: NodeHeader, gradient: Float32Array | undefined): PushOutcome {
    const outcome = this.judge(node);
    if (outcome !== 'accepted') {
      if (gradient !== undefined) this.giveBack(gradient);
      return outcome;
    }
    const fault = this.#loop.notes.faultIn(node, this.#parts);
    if (fault !== undefined) this.#loop.end(fault);
    this.sessions.credit(worker, node, this.#parts.clock.nowMs());
    this.#loop.watch.delivered(worker, node);
    if (gradient !== undefined) {
      this.#loop.arithmetic.add(worker, node, gradient, this.#parts.run.numLeaves);
    }
    this.#loop.dispatch({ type: 'nodeArrived', worker, node });
    return outcome;
  }

  transferring(worker: string, kind: TransferKind, isUnderWay: boolean): void {
    this.#loop.roster.transferring(worker, kind, isUnderWay);
  }

  async versionToCome(worker: string, version: number, waitMs: number): Promise<void> {
    if (!this.#loop.isOpen || version !== this.#parts.store.version + 1) return;
    await this.#loop.waits.until(worker, version, waitMs);
  }

  parameters(version: number, average: boolean): Float32Array {
    const found = this.#loop.evaluations.find(version);
    const parameters = average ? found?.average : found?.parameters;
    if (parameters !== undefined) return parameters;
    const { store } = this.#parts;
    throw new TesseraError(
      'STEP_STALE',
      `parameter version ${version} is gone, the run is at version ${store.version}`,
    );
  }

  async rounded(version: number): Promise<Uint16Array | undefined> {
    const { store } = this.#parts;
    return version === store.version ? await store.rounded() : undefined;
  }

  status(watcher = ''): RunStatus {
    if (watcher !== '') this.sessions.watchers[this.#loop.hasEnded ? 'returned' : 'lost'](watcher);
    const { run, progress, clock, identity, checkpointer, store } = this.#parts;
    const { delays = () => NO_DELAYS, spot = () => UNDISTURBED, alarms = () => [] } = this.#parts;
    return describeStatus({
      run,
      progress,
      identity,
      sessions: this.sessions,
      nowMs: clock.nowMs(),
      saved: checkpointer.last,
      version: store.version,
      badSamples: this.#loop.notes.numUnreadable,
      stall: this.#loop.stalls.text,
      watch: this.#loop.watch,
      failure: this.#loop.failure,
      delays: delays(),
      alarms: alarms(),
      reducers: store.reducers.threads,
      spot: spot(),
    });
  }

  stopRun(reason: string, peer: string): StoppingRun {
    const { identity, store, log } = this.#parts;
    log.warn({ peer, reason }, 'an operator stops the run');
    const why = reason === '' ? 'stopped by an operator' : `stopped by an operator: ${reason}`;
    void this.stop(new TesseraError('CANCELLED', why));
    return { run: identity.config.name, runFolder: identity.runFolder, step: store.version };
  }

  /** What the run remembers of engines and unreadable samples. */
  get notes(): RunWarnings {
    return this.#loop.notes;
  }

  get sessions(): Sessions {
    return this.#loop.roster.sessions;
  }

  /** How the run is doing, in numbers. */
  get progress(): RunProgress {
    return this.#parts.progress;
  }
}
