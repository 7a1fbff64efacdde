/** @file The simulated driver around the coordinator's core: what `coordinator/driver.ts` does, with hashes for tensors. */
import type {
  ArrivedNode,
  PushOutcome,
  RunEffect,
  RunEvent,
} from '../../coordinator/core/messages.ts';
import { Run } from '../../coordinator/core/run.ts';
import type { End, Line } from './line.ts';
import { assemble, merge, type NodeSum, nextState } from './numbers.ts';
import { check, type Parameters } from './oracle.ts';
import type { SimWorker } from './worker.ts';
import type { World } from './world.ts';

const TICK_MS = 50;

interface SimSession {
  readonly line: Line;
  readonly worker: SimWorker;
  isReady: boolean;
}

/** One life of the coordinator. */
export class SimCoordinator implements End {
  isAlive = true;
  readonly run: Run;
  #store: Parameters;
  readonly #world: World;
  readonly #sessions = new Map<string, SimSession>();
  readonly #inbox: RunEvent[] = [];
  #isHandling = false;
  /** Nodes of the open sum by their first leaf. */
  #sum = new Map<number, { count: number; sum: NodeSum }>();
  #numAdded = 0;

  constructor(world: World, parameters: Parameters) {
    this.#world = world;
    this.#store = parameters;
    this.run = new Run(world.settings.plan, { version: parameters.version });
    this.#tick();
  }

  crash(): void {
    this.isAlive = false;
    for (const { line } of this.#sessions.values()) line.break();
  }

  // ---- what a worker can do ----

  /** Takes a worker in; answers the id that it has here. */
  join(worker: SimWorker, line: Line): string {
    const known = [...this.#sessions].find(([, session]) => session.worker === worker);
    let id = known?.[0] ?? worker.name;
    if (known !== undefined) this.#remove(id, known[1].line);
    while (this.#sessions.has(id)) id += "'";
    this.#sessions.set(id, { line, worker, isReady: false });
    return id;
  }

  ready(id: string, line: Line): void {
    const session = this.#session(id, line);
    if (session === undefined) return;
    session.isReady = true;
    this.#dispatch({ type: 'workerReady', worker: id });
  }

  heartbeat(id: string, line: Line, assignment: number, leavesOpen: number): void {
    if (this.#session(id, line)?.isReady !== true) return;
    this.#dispatch({ type: 'heartbeat', worker: id, assignment, leavesOpen });
  }

  /** The parameters of a version, if they are here. */
  pull(id: string, line: Line, version: number): Parameters | undefined {
    if (this.#session(id, line) === undefined) return undefined;
    if (this.#world.has('mixVersions')) return { ...this.#store, version };
    return version === this.#store.version ? this.#store : undefined;
  }

  /** A node has arrived whole. Answers undefined when the session is not known. */
  push(id: string, line: Line, node: ArrivedNode, sum: NodeSum): PushOutcome | undefined {
    if (this.#session(id, line) === undefined) return undefined;
    const outcome = this.#world.has('sumWithoutJudging') ? 'accepted' : this.run.judge(node);
    this.#world.counts[outcome] += 1;
    if (outcome !== 'accepted') return outcome;
    if (node.kind === 'train') this.#addToSum(node, sum);
    const before = this.#numAdded;
    this.#dispatch({ type: 'nodeArrived', worker: id, node });
    const isCounted = this.#numAdded === before + (node.kind === 'train' ? 1 : 0);
    check(isCounted, 'the core adds what it judged to be accepted');
    return outcome;
  }

  onBroken(line: Line): void {
    for (const [id, session] of this.#sessions) if (session.line === line) this.#remove(id, line);
  }

  #session(id: string, line: Line): SimSession | undefined {
    const session = this.#sessions.get(id);
    return this.isAlive && session?.line === line ? session : undefined;
  }

  #remove(id: string, line: Line): void {
    if (this.#sessions.get(id)?.line !== line) return;
    this.#sessions.delete(id);
    line.break();
    if (!this.#world.has('forgetLostWorkers')) {
      this.#dispatch({ type: 'workerGone', worker: id, reason: 'its line broke' });
    }
  }

  // ---- the core ----

  #tick(): void {
    if (!this.isAlive) return;
    if (!this.#world.has('forgetLostWorkers')) this.#dispatch({ type: 'tick' });
    this.#world.timeline.after(TICK_MS, () => this.#tick());
  }

  #dispatch(event: RunEvent): void {
    if (!this.isAlive) return;
    this.#inbox.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      const effects = this.run.handle(next, this.#world.timeline.nowMs);
      this.#world.record(next, effects);
      for (const effect of effects) this.#perform(effect);
    }
    this.#isHandling = false;
    if (this.#world.isFinished) return;
    const numReady = [...this.#sessions.values()].filter(({ isReady }) => isReady).length;
    check(this.run.numWorkers <= numReady, 'the core knows nobody who is not connected');
  }

  #perform(effect: RunEffect): void {
    const { oracle, counts } = this.#world;
    switch (effect.type) {
      case 'assign':
        this.#assign(effect);
        break;
      case 'addNode':
        this.#numAdded += 1;
        break;
      case 'applyStep':
        this.#later(() => this.#applyStep(effect));
        break;
      case 'saveCheckpoint':
        this.#saveCheckpoint(effect.version);
        break;
      case 'reportEvaluation':
        counts.evaluations += 1;
        oracle.evaluated(effect.version, effect.totals);
        break;
      case 'dropWorker':
        counts.drops += 1;
        this.onBroken(this.#sessions.get(effect.worker)!.line);
        break;
      case 'phaseChanged':
        break;
      case 'finish':
        oracle.finished(this.#store, this.#world.disk);
        for (const { line, worker } of this.#sessions.values()) {
          line.sendSafely(() => worker.receive({ type: 'finished', code: '', reason: '' }));
          this.#world.farewells.push({ line, worker });
        }
        this.#world.isFinished = true;
        break;
      default:
        effect satisfies never;
    }
  }

  #assign({ worker: id, assignment, reason }: Extract<RunEffect, { type: 'assign' }>): void {
    const { oracle, disk, counts } = this.#world;
    if (assignment.ranges.length > 0) oracle.announced(assignment, this.#store, disk.version);
    if (reason.endsWith('is late')) counts.speculations += 1;
    if (reason === 'reminder') {
      counts.reminders += 1;
      if (this.#world.has('neverRemind')) return;
    }
    const session = this.#sessions.get(id);
    session?.line.send(() => session.worker.receiveAssignment(assignment, session.line));
  }

  #applyStep({ step, totals }: Extract<RunEffect, { type: 'applyStep' }>): void {
    const count = this.run.openLeaves;
    const root = this.#world.has('sumInOrderOfArrival')
      ? [...this.#sum.values()].map(({ sum }) => sum).reduce(merge)
      : assemble(0, count, (first, wanted) => {
          const node = this.#sum.get(first);
          return node?.count === wanted ? node.sum : undefined;
        });
    this.#sum.clear();
    this.#store = { version: step + 1, state: nextState(this.#store.state, root) };
    this.#world.oracle.committed(step, root, this.#store, totals);
    this.#world.counts.steps += 1;
    this.#dispatch({ type: 'stepApplied', step });
  }

  #saveCheckpoint(version: number): void {
    const parameters = this.#store;
    const answer = () => this.#dispatch({ type: 'checkpointWritten', version });
    this.#later(() => {
      this.#world.disk = parameters;
      this.#world.counts.checkpoints += 1;
      if (!this.#world.has('announceBeforeCheckpoint')) answer();
    });
    if (this.#world.has('announceBeforeCheckpoint')) answer();
  }

  /** Work that takes a while and is lost with a crash. */
  #later(work: () => void): void {
    this.#world.timeline.after(this.#world.dice.between(1, 30), () => {
      if (this.isAlive) work();
    });
  }

  #addToSum(node: ArrivedNode, sum: NodeSum): void {
    const before = this.#sum.get(node.first);
    const value = before === undefined ? sum : merge(before.sum, sum);
    this.#sum.set(node.first, { count: node.count, sum: value });
  }
}
