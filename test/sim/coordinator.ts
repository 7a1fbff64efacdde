/** @file One life of the product's coordinator in a simulated process: resume, serve, tick, end. */
import { assemble, findCheckpoint } from '../../coordinator/begin/build.ts';
import { CoordinatorDriver } from '../../coordinator/driver.ts';
import { lockWatcher } from '../../coordinator/report/run-folder-watch.ts';
import { coordinatorCalls } from '../../coordinator/service/service.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DataSource } from '../../shared/data/source.ts';
import { createLog } from '../../shared/machine/log.ts';
import type { ProcessIdentity } from '../../shared/machine/processes.ts';
import { identify, type RunIdentity } from '../../shared/runs/identity.ts';
import type { HeldLock } from '../../shared/runs/lock/lock.ts';
import { lockRun } from '../../shared/runs/lock/run-lock.ts';
import type { Host } from './host.ts';
import type { DiskFaults } from './storage.ts';
import type { World } from './world.ts';

const TICK_MS = 50;
/** Between the end of the run and that of its lock. */
const RELEASE_MS = 50;
export const SIM_LOG = createLog({ component: 'sim', level: 'off' });

/** What does not change over the lives of a run's coordinators. */
export interface SimRun {
  readonly identity: RunIdentity;
  readonly source: DataSource;
  /** Of version 0. */
  readonly parameters: Float32Array;
}

/** A coordinator from its start to its death. */
export class SimCoordinator {
  readonly host: Host;
  readonly diskFaults: DiskFaults;
  readonly identity: ProcessIdentity;
  /** Of the run's folder. */
  isHolding = false;
  /** Another one has taken it. */
  wasLost = false;
  readonly #world: World;
  #lock: HeldLock | undefined;
  #driver: CoordinatorDriver | undefined;

  constructor(world: World, host: Host, life: number) {
    this.#world = world;
    this.host = host;
    this.identity = world.strangers.identity();
    this.diskFaults = { errorPerCall: world.faults.errorPerDiskCall, isFull: false };
    void this.#start(world.run, life).catch((error: unknown) => {
      const { code } = TesseraError.from(error);
      // A disk that errs at the start is the operator's business, as in life: it is started again.
      if (code === 'CHECKPOINT_CORRUPT' || code === 'INTERNAL') world.fail(error);
      else world.coordinatorEnded(this, TesseraError.from(error));
    });
  }

  get standing(): string {
    return this.#driver === undefined ? 'starting' : this.#driver.status().reason;
  }

  /** Which version is the best, by what, and which was tested. */
  get chosen() {
    return this.#driver?.progress.chosen;
  }

  /** A graceful stop, as by Ctrl-C or a scheduler. */
  stop(reason: TesseraError): void {
    void this.#driver?.stop(reason).catch((error: unknown) => this.#world.fail(error));
  }

  async #release(): Promise<void> {
    this.isHolding = false;
    this.#world.strangers.freed();
    await this.#lock?.release();
  }

  async #start({ identity: begun, source, parameters }: SimRun, life: number): Promise<void> {
    const { host } = this;
    const world = this.#world;
    const real = world.storage.for(host, life, this.diskFaults);
    const disk = world.strangers.guard(real, this);
    const lock = await lockRun(begun.runFolder, world.locks.partsFor(host, this.identity), disk);
    this.#lock = lock;
    world.took(this);
    const identity = asResumed(begun, source, life);
    const resumed = life === 1 ? undefined : await findCheckpoint(identity, SIM_LOG, { disk });
    const parts = assemble({
      identity,
      source,
      parameters: resumed?.parameters ?? parameters.slice(),
      resumed,
      clock: host.clock,
      disk,
      lock: { confirm: () => world.strangers.confirm(lock, this) },
    });
    world.oracle.resumed(parts.store, resumed?.parametersSha256);
    world.executables.coordinatorStarted();
    const driver = new CoordinatorDriver({
      ...parts,
      log: world.executables.coordinatorLog(),
      onEvent: (event) => world.heard(event, this, () => driver.status()),
      onEnd: (error) => {
        world.coordinatorEnded(this, error);
        host.after(RELEASE_MS, () => void this.#release());
      },
    });
    this.#driver = driver;
    const { runFolder, configJson } = identity;
    const description = { runFolder, configJson, beginning: '', address: '' };
    lock.watch(lockWatcher(description, SIM_LOG, (reason) => this.stop(reason)));
    const calls = coordinatorCalls(driver, identity.config.limits, host.clock);
    world.listener = {
      host,
      calls: {
        ...calls,
        pullParameters: (request) => world.illness.refusedPull() ?? calls.pullParameters(request),
      },
    };
    host.clock.every(TICK_MS, () => {
      driver.tick();
      world.watch(() => world.oracle.ticked(TICK_MS, () => driver.status()));
    });
  }
}

/** The same run in another life: what does not decide its numbers is another, and its workers must not mind. */
function asResumed(begun: RunIdentity, source: DataSource, life: number): RunIdentity {
  const { config, runFolder } = begun;
  const changed = {
    ...config,
    name: `life-${life}`,
    checkpoint: { ...config.checkpoint, keep: 1 + (life % 3) },
    limits: { ...config.limits, workersMax: config.limits.workersMax + life },
  };
  return identify(changed, source, { runFolder });
}
