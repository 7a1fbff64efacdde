/** @file What must hold in every world at every moment; each check names the promise that it guards. */

import type { ParameterStore } from '../../coordinator/step/parameters.ts';
import type { RunProgress } from '../../coordinator/step/progress.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import type { RunStatus } from '../../shared/contract/status.ts';
import { firstNonFinite, type ValueType } from '../../shared/core/floats.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { parameterSums, sumsText } from '../../shared/training/parameter-sums.ts';
import type { NodeTask } from '../../worker/core/messages.ts';
import { Movement } from './movement.ts';
import { type Reference, roundedTo } from './reference.ts';
import { check } from './violation.ts';

interface Announced {
  readonly kind?: unknown;
  readonly version?: unknown;
  readonly ranges?: readonly unknown[];
}

/** Watches one world. */
export class Oracle {
  readonly #config: RunConfig;
  readonly #reference: Reference;
  /** Newest version that was committed or resumed from. */
  #version = 0;
  /** Newest checkpoint that the coordinator has said to be there, and those that it could not write. */
  #durable = 0;
  readonly #saved = new Map<number, string>();
  readonly #unsaved = new Set<number>();
  #rotten = new Set<number>();
  readonly #evaluated = { validation: new Set<number>(), test: new Set<number>() };
  /** Versions whose last save failed: they may be lost, and with them the best. */
  readonly #missing = new Set<number>();
  /** The coordinator that lives has said that the best version is lost. */
  #isBestGone = false;
  /** Times that each step was committed and not taken back by a crash. */
  readonly #committed = new Map<number, number>();
  /** Steps saved by a coordinator that had lost its run in the midst of it, unheard. */
  readonly #savedUnheard = new Set<number>();
  #store: ParameterStore | undefined;
  readonly #movement: Movement;

  constructor(config: RunConfig, reference: Reference) {
    this.#config = config;
    this.#reference = reference;
    this.#movement = new Movement(config.cluster.stallMs);
  }

  /** A checkpoint has been damaged on the disk: the one before may be taken. */
  rotted(step: number): void {
    this.#rotten.add(step);
  }

  /** A coordinator that lost its run while it slept finishes what it was at: it saves a version, or removes an old one. */
  finishedLate(what: 'saved' | 'removed', step: number): void {
    if (what === 'saved') this.#savedUnheard.add(step);
    else this.#missing.add(step);
  }

  /** A coordinator starts from what is durable. */
  resumed(store: ParameterStore, savedSha256: string | undefined): void {
    const { version } = store;
    this.#store = store;
    this.#version = version;
    this.#movement.begin();
    this.#unsaved.clear();
    this.#isBestGone = false;
    for (const step of [...this.#committed.keys()])
      if (step >= version) this.#committed.delete(step);
    if (this.#savedUnheard.has(version)) this.#countUnheard(version);
    const isNewest = version >= this.#durable || this.#rotten.has(this.#durable);
    check(isNewest, `P3: checkpoint ${this.#durable} was durable, the run goes on from ${version}`);
    this.#durable = version;
    const saved = this.#saved.get(version);
    check(
      saved === undefined || saved === savedSha256,
      'P3: a restored checkpoint has the hash that was saved',
    );
    this.#expectBits('P3: the resumed parameters', version, store.parameters);
  }

  /** Their steps were taken, if not told. */
  #countUnheard(version: number): void {
    for (let step = 0; step < version; step += 1)
      if (!this.#committed.has(step)) this.#committed.set(step, 1);
  }

  /** A worker is told something. */
  sent(message: { assignment?: Announced }): void {
    const { assignment } = message;
    if (assignment === undefined || (assignment.ranges ?? []).length === 0) return;
    const version = Number(assignment.version);
    const areFinite = this.#store === undefined || firstNonFinite(this.#store.parameters) < 0;
    check(areFinite, `the announced parameters are finite (version ${version})`);
    if (assignment.kind === 'WORK_KIND_TEST') {
      this.#testing(version);
      return;
    }
    check(version === this.#store?.version, 'the announced version is the one in the store');
    if (assignment.kind !== 'WORK_KIND_TRAIN') return;
    for (let due = version; due > this.#durable; due -= 1) {
      const isSafe = !this.#isCheckpointDue(due) || this.#unsaved.has(due);
      check(isSafe, `P3: checkpoint ${due} is durable before the next step`);
    }
  }

  /** Where another split chooses the best version, the test samples are for that version alone, at the end. */
  #testing(version: number): void {
    const { versions, chosenOn, best } = this.#reference;
    const newest = this.#store?.version ?? 0;
    if (chosenOn === 'test') {
      check(version === newest, 'the announced version is the one in the store');
      return;
    }
    const last = versions.length - 1;
    check(newest === last, `the test samples are touched at the end, not at version ${newest}`);
    const expected = this.#isBestGone ? last : best(last);
    check(version === expected, `the test is of version ${expected}, the best, not of ${version}`);
  }

  /** A worker begins to compute. */
  computing(task: NodeTask, held: Float32Array): void {
    const type = task.kind === 'train' ? this.#config.exchange.parameters : 'f32';
    this.#expectBits('P2: the parameters of a worker', task.version, held, type);
  }

  /** The coordinator has had time, and says how the run is. */
  ticked(tickMs: number, status: () => RunStatus): void {
    this.#movement.ticked(tickMs, status);
  }

  /** The coordinator says what happened, and how the run is then. */
  heard(event: RunEvent, status: () => RunStatus): void {
    this.#movement.heard(event, status);
    switch (event.type) {
      case 'step':
        this.#stepped(event);
        break;
      case 'checkpoint':
        this.#durable = event.step;
        this.#saved.set(event.step, event.parametersSha256);
        this.#rotten.delete(event.step);
        this.#missing.delete(event.step);
        break;
      case 'checkpointFailed':
        this.#unsaved.add(event.step);
        this.#missing.add(event.step);
        break;
      case 'bestGone': {
        const isLost = this.#missing.has(event.version) || this.#rotten.has(event.version);
        check(isLost, `P3: the best version, ${event.version}, was saved and is there`);
        this.#isBestGone = true;
        break;
      }
      case 'evaluation': {
        const { version, split, loss, accuracy } = event;
        const { lossSum, correct, samples } = this.#reference.evaluation(version, split);
        const isRight = loss === lossSum / samples && accuracy === correct / samples;
        check(isRight, `the ${split} of version ${version} is that of the unbroken run`);
        this.#evaluated[split].add(version);
        break;
      }
      default:
    }
  }

  /** The run says that it is done. */
  finished(chosen: RunProgress['chosen'] | undefined): void {
    const last = this.#reference.versions.length - 1;
    check(this.#store?.version === last && this.#version === last, `all ${last} steps are done`);
    check(this.#durable === last, 'the end is durable');
    const { chosenOn, best } = this.#reference;
    check(this.#evaluated[chosenOn].has(last), 'the end is evaluated');
    check(chosen?.chosenOn === chosenOn, `the best is chosen on ${chosenOn}`);
    if (chosen === undefined) return;
    check(chosen.bestStep === best(last), `the best is ${best(last)}, not ${chosen.bestStep}`);
    const tested = chosenOn === 'test' || this.#isBestGone ? last : best(last);
    // A run that had ended before may have lost its best since.
    const isTested = chosen.testedStep === tested || this.#evaluated.test.has(chosen.testedStep);
    check(isTested, `the test at the end is of ${tested}, not of ${chosen.testedStep}`);
    for (let step = 0; step < last; step += 1) {
      const times = this.#committed.get(step) ?? 0;
      check(times === 1, `P4: step ${step} counts once, not ${times} times`);
    }
  }

  #stepped({
    step,
    loss,
    accuracy,
    parameterSums: sums,
  }: Extract<RunEvent, { type: 'step' }>): void {
    check(
      step === this.#version + 1,
      `steps are contiguous: ${step} after version ${this.#version}`,
    );
    this.#version = step;
    this.#committed.set(step - 1, (this.#committed.get(step - 1) ?? 0) + 1);
    const { lossSum, correct, samples } = this.#reference.steps[step - 1]!;
    // Of nothing there is no mean: NaN on both sides.
    const isRight = Object.is(loss, lossSum / samples) && Object.is(accuracy, correct / samples);
    check(isRight, `P1, P4: the totals of step ${step} are those of the unbroken run`);
    this.#expectBits('P1: the parameters', step, this.#store!.parameters);
    const isSummed = sums === sumsText(parameterSums(this.#reference.versions[step]!));
    check(isSummed, `the sums of step ${step} are of the unbroken run's parameters`);
  }

  #isCheckpointDue(version: number): boolean {
    const { everySteps, everyEpochs } = this.#config.checkpoint;
    const stepsBetween = everyEpochs * this.#reference.batchesPerEpoch;
    const isMultiple = (every: number) => every > 0 && version % every === 0;
    return isMultiple(everySteps) || isMultiple(stepsBetween);
  }

  #expectBits(what: string, version: number, actual: Float32Array, type: ValueType = 'f32'): void {
    const whole = this.#reference.versions[version];
    const expected = whole && roundedTo(whole, type);
    const isSame =
      expected?.length === actual.length &&
      expected.every((value, at) => Object.is(value, actual[at]));
    check(isSame, `${what} are those of the unbroken run (version ${version})`);
  }
}
