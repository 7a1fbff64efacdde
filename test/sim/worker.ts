/** @file One life of the product's worker in a simulated process, with a simulated engine. */
import type { RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { forEachSplit } from '../../shared/core/work.ts';
import { GrpcControlLine } from '../../shared/exchange/grpc/control-line.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { NodeComputer } from '../../worker/compute/node-computer.ts';
import { WorkerDriver } from '../../worker/driver.ts';
import { WorkerLink } from '../../worker/exchange/link.ts';
import { Feeder } from '../../worker/leaves/feeder.ts';
import type { LeafComputer, Prepare } from '../../worker/prepare.ts';
import { SHORT_RECONNECT_MS } from './ailment.ts';
import type { Host } from './host.ts';
import { simExchanges, simSessionCalls } from './network.ts';
import { pixelOf, SimProgram } from './reference.ts';
import type { Route } from './route.ts';
import type { WorkerSettings } from './settings.ts';
import type { World } from './world.ts';

/** A worker from its start to its end. */
export class SimWorker {
  readonly host: Host;
  readonly route: Route;
  isHung = false;
  engineRefuses = false;
  /** Its engine has given NaN. */
  hasBroken = false;
  readonly #world: World;
  readonly #settings: WorkerSettings;
  readonly #leave = new AbortController();
  /** It has said that it uses an executable of its own. */
  #hasOwn = false;

  constructor(world: World, settings: WorkerSettings, place: { host: Host; route: Route }) {
    this.#world = world;
    this.#settings = settings;
    this.host = place.host;
    this.route = place.route;
    const driver = new WorkerDriver({
      link: new WorkerLink(
        new GrpcControlLine(simSessionCalls(world, place.host, place.route)),
        simExchanges(world, place.host, place.route),
      ),
      clock: place.host.clock,
      log: world.executables.workerLog(() => {
        this.#hasOwn = true;
      }),
      ring: world.logs.ringOf(place.host),
      name: settings.name,
      choice: {},
      prepare: (welcome, _choice, readers) =>
        this.#prepare(JSON.parse(welcome.configJson), readers),
      reconnectMs: world.illness.isHopeless ? SHORT_RECONNECT_MS : 60_000,
      seed: world.dice.integer(0, 1e6),
      signal: this.#leave.signal,
    });
    driver.run().then(
      () => world.workerEnded(this, undefined),
      (error: unknown) => world.workerEnded(this, TesseraError.from(error)),
    );
  }

  /** A graceful end, as by SIGTERM. */
  stop(): void {
    this.#leave.abort(new TesseraError('CANCELLED', 'stopped by SIGTERM'));
  }

  async #prepare(config: RunConfig, readers: Parameters<Prepare>[2]): ReturnType<Prepare> {
    const { identity, source } = this.#world.run;
    await this.host.clock.sleep(this.#world.dice.between(1, 100));
    const { executables } = this.#world;
    await executables.makeReady(this.host, readers.executables, () => this.#hasOwn);
    const { model } = identity;
    return {
      engine: this.#engine(config),
      feeder: new Feeder({
        config,
        sizes: source.size,
        pipeline: {
          allocate: (values) => new Float32Array(values),
          load: (sample, epoch, target) => {
            if (this.#world.settings.unreadable.has(sample.name)) {
              return Promise.reject(new TesseraError('DATA_INVALID', `cannot read ${sample.name}`));
            }
            target[0] = pixelOf(sample, epoch);
            return Promise.resolve();
          },
        },
        read: readers.samples,
        readFeatures: readers.features,
        width: model.width,
        keepsFeatures: forEachSplit(() => false),
      }),
      modelFingerprint: identity.modelFingerprint,
      parameterCount: parameterTable(model).size,
      frozen: 0,
      exchange: config.exchange,
      testsAverage: false,
    };
  }

  #engine({ training, exchange }: RunConfig): LeafComputer {
    const world = this.#world;
    const { clock } = this.host;
    const { slots } = this.#settings;
    const program = new SimProgram(slots, exchange.gradients);
    const { model } = world.run.identity;
    const computer = new NodeComputer(program, {
      model,
      microBatch: training.microBatch,
      labelSmoothing: 0,
    });
    // One request at a time, as the thread does.
    let queue: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const turn = queue.then(() => {
        if (this.engineRefuses) throw new Error('out of memory');
        return work();
      });
      queue = turn.catch(() => {});
      return turn;
    };
    return {
      id: 'simulated',
      processor: '',
      description: 'simulated',
      slots,
      devices: undefined,
      setParameters: (parameters) => inTurn(async () => computer.setParameters(parameters)),
      leaf: (task, place, inputs, features) =>
        inTurn(async () => {
          world.watch(() => world.oracle.computing(task, program.parameters));
          this.engineRefuses = world.chance('refusePerLeaf', 'refusals', world.dice.engine);
          if (world.chance('hangPerLeaf', 'hangs')) {
            this.isHung = true;
            await new Promise(() => {});
          }
          await clock.sleep(this.#settings.leafMs * world.dice.between(0.8, 1.2));
          program.isBroken = world.illness.breaks(task, place.leaf);
          this.hasBroken ||= program.isBroken;
          const node = { first: task.first, count: task.count };
          return {
            computeMs: 0,
            ...(await computer.leaf({ kind: task.kind, node, ...place, inputs, features })),
          };
        }),
      recycle: (gradient) => computer.recycle(gradient),
      close: () => Promise.resolve(),
    };
  }
}
