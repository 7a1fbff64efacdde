/** @file What must hold in every world at every moment; each check names the promise that it guards. */
import type { Assignment, NodeTotals, RunPlan } from '../../coordinator/core/messages.ts';
import type { NodeTask } from '../../worker/core/messages.ts';
import { computeNode, type NodeSum, numLeavesOf, type Reference } from './numbers.ts';

/** Parameters as a side of the world holds them. */
export interface Parameters {
  readonly version: number;
  readonly state: number;
}

/** A promise that a world has broken. */
export class Violation extends Error {}

/** Watches one world. */
export class Oracle {
  readonly #plan: RunPlan;
  readonly #reference: Reference;
  /** Newest version that was committed or resumed from. */
  #version = 0;
  readonly #samplesByStep = new Map<number, readonly number[]>();
  readonly #evaluated = new Set<number>();

  constructor(plan: RunPlan, reference: Reference) {
    this.#plan = plan;
    this.#reference = reference;
  }

  /** A coordinator starts from what is durable. */
  resumed(parameters: Parameters): void {
    this.#version = parameters.version;
    this.#expectState('P3: the resumed parameters', parameters);
  }

  /** A worker is told to work with a version. */
  announced(assignment: Assignment, store: Parameters, durableVersion: number): void {
    check(assignment.version === store.version, 'the announced version is the one in the store');
    let lastDue = 0;
    for (let version = 1; version <= assignment.version; version += 1) {
      if (this.#isCheckpointDue(version) && assignment.kind === 'train') lastDue = version;
    }
    check(durableVersion >= lastDue, `P3: checkpoint ${lastDue} is durable before the next step`);
  }

  /** A worker begins to compute. */
  computing(task: NodeTask, held: Parameters | undefined): void {
    check(held?.version === task.version, `the worker holds version ${task.version}`);
    this.#expectState('P2: the parameters of a worker', held);
  }

  /** The optimizer has taken a step. */
  committed(step: number, root: NodeSum, after: Parameters, totals: NodeTotals): void {
    check(step === this.#version, `steps are contiguous: ${step} after version ${this.#version}`);
    this.#version += 1;
    const expected = this.#reference.roots[step];
    check(root.samples.length === new Set(root.samples).size, 'P4: no sample twice in a step');
    check(
      root.value === expected?.value,
      `P2: the sum of step ${step} has the canonical association`,
    );
    expectTotals(totals, expected?.totals, `P1: the totals of step ${step}`);
    this.#expectState('P1: the parameters', after);
    this.#samplesByStep.set(step, root.samples);
  }

  /** An evaluation is reported. */
  evaluated(version: number, totals: NodeTotals): void {
    const key = { kind: 'evaluate', epoch: 0, batch: 0 } as const;
    const range = { first: 0, count: numLeavesOf(this.#plan, key) };
    const state = this.#reference.states[version] ?? Number.NaN;
    const expected = computeNode(this.#plan, state, key, range);
    expectTotals(totals, expected.totals, `the evaluation of version ${version}`);
    this.#evaluated.add(version);
  }

  /** The run says that it is done. */
  finished(store: Parameters, durable: Parameters): void {
    const { states, batchesPerEpoch } = this.#reference;
    const last = states.length - 1;
    check(store.version === last, `all ${last} steps are done`);
    check(durable.version === last && durable.state === states[last], 'the end is durable');
    check(this.#plan.testSamples === 0 || this.#evaluated.has(last), 'the end is evaluated');
    for (let epoch = 0; epoch < this.#plan.epochs; epoch += 1) {
      const counts = new Array<number>(this.#plan.trainSamples).fill(0);
      for (let batch = 0; batch < batchesPerEpoch; batch += 1) {
        const samples = this.#samplesByStep.get(epoch * batchesPerEpoch + batch) ?? [];
        for (const sample of samples) counts[sample]! += 1;
      }
      const isOnce = counts.every((count) => count === 1);
      check(isOnce, `P4: each sample of epoch ${epoch} counts exactly once`);
    }
  }

  #isCheckpointDue(version: number): boolean {
    const { checkpointEverySteps, checkpointEveryEpochs } = this.#plan;
    const everyEpochs = checkpointEveryEpochs * this.#reference.batchesPerEpoch;
    const isMultiple = (every: number) => every > 0 && version % every === 0;
    return isMultiple(checkpointEverySteps) || isMultiple(everyEpochs);
  }

  #expectState(what: string, actual: Parameters | undefined): void {
    const expected = this.#reference.states[actual?.version ?? -1];
    check(
      actual !== undefined && actual.state === expected,
      `${what} are those of the unbroken run`,
    );
  }
}

function expectTotals(actual: NodeTotals, expected: NodeTotals | undefined, what: string): void {
  const isSame =
    actual.lossSum === expected?.lossSum &&
    actual.correct === expected.correct &&
    actual.samples === expected.samples;
  check(isSame, `${what} are those of the unbroken run`);
}

/** Throws  Violation when a promise does not hold. */
export function check(condition: boolean, promise: string): void {
  if (!condition) throw new Violation(`broken: ${promise}`);
}
