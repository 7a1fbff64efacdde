/** @file Scripts for the coordinator's core: what is told, and its whole answer, as text to read and to compare. */

import type { CoreEffect, CoreEvent, RunPlan } from '../../coordinator/core/messages.ts';
import type { ResumePoint } from '../../coordinator/core/plan.ts';
import { Run } from '../../coordinator/core/run.ts';
import type { ArrivedNode } from '../../shared/contract/messages.ts';
import type { LeafRange, WorkKind } from '../../shared/core/work.ts';

/** Two epochs of two steps with 4 leaves each, and 2 leaves of test samples. */
export const PLAN: RunPlan = {
  epochs: 2,
  trainSamples: 32,
  validationSamples: 0,
  testSamples: 8,
  batchSize: 16,
  microBatch: 4,
  evaluateEveryEpochs: 1,
  earlyStopping: 0,
  checkpointEverySteps: 0,
  checkpointEveryEpochs: 1,
  minWorkers: 1,
  silenceMs: 10_000,
  leaseMs: 60_000,
  remindMs: 2_000,
};

/** A node of a round in which every sample costs 1 and half of them are right. */
export function nodeOf(kind: WorkKind, step: number, first: number, count: number): ArrivedNode {
  const samples = 4 * count;
  return {
    kind,
    step,
    version: step,
    first,
    count,
    lossSum: samples,
    correct: samples / 2,
    samples,
  };
}

/** A run that is told things, and writes down what it answers. */
export class Scene {
  readonly run: Run;
  readonly plan: RunPlan;
  nowMs = 0;
  readonly #lines: string[] = [];

  constructor(plan: RunPlan, resumeAt: Partial<ResumePoint> = {}) {
    const { version = 0 } = resumeAt;
    this.plan = plan;
    this.run = new Run(plan, { known: [], ...resumeAt, version });
    this.#lines.push(`a run of ${this.run.totalSteps} steps, from version ${version}`);
  }

  /** Lets time pass. */
  wait(durationMs: number): this {
    this.nowMs += durationMs;
    return this;
  }

  tell(event: CoreEvent): CoreEffect[] {
    const effects = this.run.handle(event, this.nowMs);
    this.#lines.push('', `${this.nowMs} ms: ${wordsOfEvent(event)}`);
    for (const effect of effects) this.#lines.push(`    ${wordsOfEffect(effect)}`);
    return effects;
  }

  ready(...workers: string[]): this {
    for (const worker of workers) this.tell({ type: 'workerReady', worker });
    this.tell({ type: 'tick' });
    return this;
  }

  node(worker: string, node: ArrivedNode): this {
    this.#lines.push('', `${worker} asks: ${nameOf(node)}? ${this.run.judge(node)}`);
    this.tell({ type: 'nodeArrived', worker, node });
    return this;
  }

  applied(step: number): this {
    this.tell({ type: 'stepApplied', stepIndex: step });
    return this;
  }

  get transcript(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

function wordsOfEvent(event: CoreEvent): string {
  switch (event.type) {
    case 'nodeArrived':
      return `nodeArrived from ${event.worker}: ${nameOf(event.node)}`;
    case 'heartbeat':
      return `heartbeat of ${event.worker}: seen #${event.assignment}, ${event.leavesOpen} leaves open`;
    default: {
      const { type, ...rest } = event;
      return [type, ...Object.values(rest)].join(' ');
    }
  }
}

function wordsOfEffect(effect: CoreEffect): string {
  switch (effect.type) {
    case 'assign': {
      const { sequence, kind, step, version, ranges } = effect.assignment;
      const leaves = ranges.map(wordsOfRange).join(' and ') || 'nothing';
      const round = `${kind} ${step} with version ${version}`;
      return `assign ${effect.worker} #${sequence}, ${round}: ${leaves} (${effect.reason})`;
    }
    case 'applyStep':
    case 'reportEvaluation': {
      const { totals, type, epoch, ...rest } = { isBest: false, newest: 0, ...effect };
      const { isBest, newest: _, ...words } = rest;
      const sums = `loss ${totals.lossSum}, ${totals.correct} of ${totals.samples} right`;
      const named = Object.values(words).join(' ');
      return `${type} ${named}, epoch ${epoch}: ${sums}${isBest ? ', the best' : ''}`;
    }
    case 'phaseChanged':
      return `phaseChanged ${effect.phase} (${effect.reason})`;
    default: {
      const { type, ...rest } = effect;
      return [type, ...Object.values(rest)].join(' ');
    }
  }
}

function nameOf(node: ArrivedNode): string {
  return `${node.kind} ${node.step} ${wordsOfRange(node)}`;
}

function wordsOfRange({ first, count }: LeafRange): string {
  return `[${first}, ${first + count})`;
}
