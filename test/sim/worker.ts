/** @file The simulated driver around the worker's core: what `worker/driver.ts` does, with hashes for tensors. */
import type {
  Assignment,
  NodeTask,
  SessionEffect,
  SessionEvent,
} from '../../worker/core/messages.ts';
import { Session } from '../../worker/core/session.ts';
import { type End, Line } from './line.ts';
import { computeNode, type NodeSum, numLeavesOf } from './numbers.ts';
import { check, type Parameters } from './oracle.ts';
import type { WorkerSettings } from './settings.ts';
import type { World } from './world.ts';

const TICK_MS = 50;
const HEARTBEAT_MS = 100;
/** Deadline of a call that is not answered. */
const RPC_MS = 500;

/** One life of a worker. */
export class SimWorker implements End {
  isAlive = true;
  isHung = false;
  readonly name: string;
  readonly #world: World;
  readonly #leafMs: number;
  readonly #session: Session;
  #id = '';
  #line: Line | undefined;
  #held: Parameters | undefined;
  /** Grows with each node that is begun or called off, so that a late result knows that it is one. */
  #computation = 0;
  readonly #pushes: (() => void)[] = [];
  #frozenUntilMs = 0;

  constructor(world: World, settings: WorkerSettings) {
    this.#world = world;
    this.name = settings.name;
    this.#leafMs = settings.leafMs;
    this.#session = new Session({ reconnectMs: 60_000, seed: world.dice.integer(0, 1e6) });
    this.receive({ type: 'started' });
    this.#tick();
  }

  crash(): void {
    this.isAlive = false;
    this.#line?.break();
  }

  /** The process gets no time for a while: neither heartbeats nor answers. */
  freeze(durationMs: number): void {
    this.#frozenUntilMs = this.#world.timeline.nowMs + durationMs;
  }

  breakLine(): void {
    this.#line?.break();
  }

  receiveAssignment(assignment: Assignment, line: Line): void {
    if (line !== this.#line) return;
    const numLeaves = numLeavesOf(this.#world.settings.plan, assignment);
    this.receive({ type: 'assigned', assignment, numLeaves });
  }

  onBroken(line: Line): void {
    if (line === this.#line) this.receive({ type: 'connectionLost', reason: 'the line broke' });
  }

  /** Hands an event to the core. */
  receive(event: SessionEvent): void {
    if (!this.isAlive) return;
    const { nowMs } = this.#world.timeline;
    if (nowMs < this.#frozenUntilMs) {
      this.#world.timeline.after(this.#frozenUntilMs - nowMs, () => this.receive(event));
      return;
    }
    const effects = this.#session.handle(event, nowMs);
    for (const effect of effects) this.#perform(effect);
  }

  #tick(): void {
    if (!this.isAlive) return;
    this.receive({ type: 'tick' });
    this.#world.timeline.after(TICK_MS, () => this.#tick());
  }

  #perform(effect: SessionEffect): void {
    switch (effect.type) {
      case 'connect':
        this.#after(effect.afterMs, () => this.#connect());
        break;
      case 'prepare':
        this.#after(this.#world.dice.between(1, 100), () =>
          this.receive({ type: 'prepared', modelFingerprint: 'm' }),
        );
        break;
      case 'sendReady':
        this.#toCoordinator('sendSafely', (line) => this.#world.coordinator.ready(this.#id, line));
        break;
      case 'sendHeartbeat':
        this.#toCoordinator('send', (line) =>
          this.#world.coordinator.heartbeat(this.#id, line, effect.assignment, effect.leavesOpen),
        );
        break;
      case 'pull':
        this.#pull(effect.version);
        break;
      case 'compute':
        this.#compute(effect.task);
        break;
      case 'cancelCompute':
        this.#computation += 1;
        this.isHung = false;
        break;
      case 'stop':
        check(effect.code === '', `no worker gives up: ${effect.code} ${effect.reason}`);
        this.isAlive = false;
        break;
      default:
        effect satisfies never;
    }
  }

  #toCoordinator(how: 'send' | 'sendSafely', deliver: (line: Line) => void): void {
    const line = this.#line;
    line?.[how](() => deliver(line));
  }

  #connect(): void {
    const { coordinator } = this.#world;
    const line = new Line(this.#world, [this, coordinator]);
    this.#line = line;
    line.sendSafely(() => {
      if (!coordinator.isAlive) {
        line.break();
        return;
      }
      const id = coordinator.join(this, line);
      line.sendSafely(() => {
        if (line !== this.#line) return;
        this.#id = id;
        const welcome = { run: 'r', modelFingerprint: 'm', heartbeatMs: HEARTBEAT_MS };
        this.receive({ type: 'welcomed', ...welcome });
      });
    });
  }

  #pull(version: number): void {
    const refuse = () => this.receive({ type: 'pullRefused', version });
    this.#call({
      ask: (line) => this.#world.coordinator.pull(this.#id, line, version),
      succeed: (parameters) => {
        if (parameters !== undefined) this.#held = parameters;
        this.receive({ type: parameters === undefined ? 'pullRefused' : 'pulled', version });
      },
      fail: refuse,
    });
  }

  #compute(task: NodeTask): void {
    this.#world.oracle.computing(task, this.#held);
    this.#computation += 1;
    const computation = this.#computation;
    if (this.#world.dice.chance(this.#world.faults.hangPerNode)) {
      this.#world.counts.hangs += 1;
      this.isHung = true;
      return;
    }
    const sum = computeNode(this.#world.settings.plan, this.#held!.state, task, task);
    this.#after(task.count * this.#leafMs * this.#world.dice.between(0.8, 1.2), () => {
      if (computation !== this.#computation) return;
      this.receive({ type: 'nodeComputed', task });
      this.#pushes.push(() => this.#push(task, sum));
      if (this.#pushes.length === 1) this.#pushes[0]!();
    });
  }

  #push(task: NodeTask, sum: NodeSum): void {
    const over = (event: SessionEvent) => {
      this.receive(event);
      this.#pushes.shift();
      this.#pushes[0]?.();
    };
    const { epoch: _epoch, batch: _batch, ...node } = task;
    this.#call({
      ask: (line) => this.#world.coordinator.push(this.#id, line, { ...node, ...sum.totals }, sum),
      succeed: (outcome) =>
        over({ type: outcome === undefined ? 'pushFailed' : 'nodePushed', task }),
      fail: () => over({ type: 'pushFailed', task }),
    });
  }

  /** A call beside the session: request and answer may each be lost; the request may arrive twice. */
  #call<T>(call: { ask: (line: Line) => T; succeed: (answer: T) => void; fail: () => void }): void {
    const world = this.#world;
    const line = this.#line;
    let isOver = false;
    const end = (finish: () => void) => {
      if (isOver) return;
      isOver = true;
      finish();
    };
    this.#after(RPC_MS, () => end(call.fail));
    const copies = line === undefined ? 0 : world.copiesOfMessage();
    for (let copy = 0; copy < copies; copy += 1) {
      world.timeline.after(world.delayMs('any'), () => {
        if (!world.coordinator.isAlive) return;
        const answer = call.ask(line!);
        if (world.copiesOfMessage() === 0) return;
        this.#after(world.delayMs('any'), () => end(() => call.succeed(answer)));
      });
    }
  }

  #after(delayMs: number, action: () => void): void {
    this.#world.timeline.after(delayMs, () => {
      if (this.isAlive) action();
    });
  }
}
