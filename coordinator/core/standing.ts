/** @file Where a run stands, in a word and a sentence. */
import type { RunPhase } from '../../shared/core/work.ts';
import type { RunPlan } from './messages.ts';
import { epochOf, judgingKind, type Task, totalSteps } from './plan.ts';

/** What a run is at. */
export interface Standpoint {
  readonly plan: RunPlan;
  /** Undefined when all is done. */
  readonly task: Task | undefined;
  readonly version: number;
  /** The version that a test is of. */
  readonly tested: number;
  readonly numWorkers: number;
  readonly isRoundOpen: boolean;
  /** The driver has been asked for a new version or a checkpoint. */
  readonly isAwaited: boolean;
  /** The run ends before its last step. */
  readonly isEarly: boolean;
}

/** A phase and the sentence behind it. */
export interface Standing {
  readonly phase: RunPhase;
  readonly reason: string;
}

/** Workers that must join before a round is opened, or an open one continues; 0 when there are enough. */
export function missingWorkers(plan: RunPlan, numWorkers: number, isRoundOpen: boolean): number {
  const isStuck = isRoundOpen ? numWorkers === 0 : numWorkers < plan.minWorkers;
  return isStuck ? plan.minWorkers - numWorkers : 0;
}

/** Describes where a run stands. */
export function standingOf(point: Standpoint): Standing {
  const { plan, task, version, tested, numWorkers } = point;
  if (task === undefined) return { phase: 'done', reason: doneText(plan, version, point.isEarly) };
  if (task === 'save') return { phase: 'saving', reason: `writing step ${version}` };
  const missing = missingWorkers(plan, numWorkers, point.isRoundOpen);
  if (missing > 0 && !point.isAwaited) {
    const noun = missing === 1 ? 'worker' : 'workers';
    return { phase: 'waiting', reason: `waiting for ${missing} more ${noun}` };
  }
  if (task === 'test' && judgingKind(plan) === 'validate') {
    return { phase: 'evaluating', reason: `step ${tested} on the test images` };
  }
  if (task === 'test' || task === 'validate') {
    return { phase: 'evaluating', reason: `step ${version}` };
  }
  const epoch = epochOf(plan, version + 1);
  return { phase: 'training', reason: `epoch ${epoch} of ${plan.epochs}` };
}

function doneText(plan: RunPlan, version: number, isEarly: boolean): string {
  const steps = totalSteps(plan);
  if (!isEarly) return `all ${steps} steps are done`;
  const epochs = plan.earlyStopping === 1 ? 'epoch' : `${plan.earlyStopping} epochs`;
  return `ended early, after ${version} of ${steps} steps: no evaluation was better for ${epochs}`;
}
