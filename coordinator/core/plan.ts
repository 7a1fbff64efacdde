/**
 * @file The timetable of a run: which round, evaluation or checkpoint follows each version.
 *
 * Everything follows from the plan and the version alone, so a resumed run does exactly what an
 * unbroken one would have done (P3), and an epoch's batches cover each sample once (P4).
 */

import type { WorkKind } from '../../shared/core/work.ts';
import type { BestVersion } from './best.ts';
import type { RunPlan } from './messages.ts';

/** A round as the timetable knows it. */
export interface RoundPlace {
  readonly kind: WorkKind;
  /** Of the step that is computed; for an evaluation that of the step to come, which is the newest version. */
  readonly stepIndex: number;
  /** Parameter version that the round computes with. */
  readonly version: number;
  readonly epochIndex: number;
  /** Position of the batch in its epoch, from 0. */
  readonly batch: number;
  readonly numLeaves: number;
}

/** What is to be done with a version once it is there. */
export type Task = WorkKind | 'save' | 'finish';

/** Where a run starts or resumes. */
export interface ResumePoint {
  readonly version: number;
  /** Evaluations of that version whose results are known. */
  readonly known: readonly WorkKind[];
  readonly best?: BestVersion | undefined;
}

/** Steps of one pass over the data; the last batch may be short. */
function batchesPerEpoch(plan: RunPlan): number {
  return Math.ceil(plan.trainSamples / plan.batchSize);
}

/** Steps of the whole run. */
export function totalSteps(plan: RunPlan): number {
  return plan.epochs * batchesPerEpoch(plan);
}

/** The epoch that made a version, counted from 1 as people do; version 0 belongs to the first. */
export function epochOf(plan: RunPlan, version: number): number {
  return Math.max(1, Math.ceil(version / batchesPerEpoch(plan)));
}

/** The training round that computes a step from the version of the same number. */
export function trainingRound(plan: RunPlan, stepIndex: number): RoundPlace {
  const epochIndex = Math.floor(stepIndex / batchesPerEpoch(plan));
  const batch = stepIndex % batchesPerEpoch(plan);
  const samples = Math.min(plan.batchSize, plan.trainSamples - batch * plan.batchSize);
  const numLeaves = Math.ceil(samples / plan.microBatch);
  return { kind: 'train', stepIndex, version: stepIndex, epochIndex, batch, numLeaves };
}

/** The evaluations that the best version is chosen by; on a split of its own, where the run has one. */
export function judgingKind(plan: RunPlan): 'validate' | 'test' {
  return plan.validationSamples > 0 ? 'validate' : 'test';
}

/** The round that judges a version on a whole split. */
export function evaluationRound(
  plan: RunPlan,
  kind: 'validate' | 'test',
  { newest, version }: { readonly newest: number; readonly version: number },
): RoundPlace {
  const samples = kind === 'validate' ? plan.validationSamples : plan.testSamples;
  const numLeaves = Math.ceil(samples / plan.microBatch);
  const epochIndex = epochOf(plan, version) - 1;
  return { kind, stepIndex: newest, version, epochIndex, batch: 0, numLeaves };
}

/**
 * What follows when `version` has just been made.
 *
 * The evaluation comes before the checkpoint, so that the checkpoint knows its accuracy; the
 * checkpoint before the next step, so that no step is announced that a crash could take back. Where something else
 * than the test samples chooses the best version, those are touched once: at the end. `isEarly` where that is sooner than
 * planned.
 */
export function agendaOf(plan: RunPlan, version: number, isEarly = false): Task[] {
  const isEnd = isEarly || version >= totalSteps(plan);
  const tasks: Task[] = [];
  const judging = judgingKind(plan);
  if (isEvaluationDue(plan, version)) tasks.push(judging);
  if (isEnd && judging === 'validate' && plan.testSamples > 0) tasks.push('test');
  if (isEnd || isCheckpointDue(plan, version)) tasks.push('save');
  tasks.push(isEnd ? 'finish' : 'train');
  return tasks;
}

/**
 * Whether a run ends early with a version that was judged: the best one is too many epochs old. It follows from the two
 * versions alone, so a resumed run ends where an unbroken one does.
 */
export function endsEarly(plan: RunPlan, version: number, best: number | undefined): boolean {
  if (plan.earlyStopping === 0 || version >= totalSteps(plan)) return false;
  return version - (best ?? 0) >= plan.earlyStopping * batchesPerEpoch(plan);
}

/** What is left to do with a version that a run begins with, of which some evaluations are known. */
export function agendaOfResumed(
  plan: RunPlan,
  { version, known, best }: ResumePoint,
): { readonly agenda: Task[]; readonly isEarly: boolean } {
  const isEarly = known.includes(judgingKind(plan)) && endsEarly(plan, version, best?.version);
  const tasks = agendaOf(plan, version, isEarly);
  const agenda = tasks.filter((task) => task !== 'save' && !known.some((kind) => kind === task));
  return { agenda, isEarly };
}

function isEvaluationDue(plan: RunPlan, version: number): boolean {
  if (plan.validationSamples + plan.testSamples === 0) return false;
  return version >= totalSteps(plan) || endsEpoch(plan, version, plan.evaluateEveryEpochs);
}

function isCheckpointDue(plan: RunPlan, version: number): boolean {
  const everySteps = plan.checkpointEverySteps;
  if (everySteps > 0 && version > 0 && version % everySteps === 0) return true;
  return endsEpoch(plan, version, plan.checkpointEveryEpochs);
}

/** Whether a version ends an epoch whose count is a multiple of `everyEpochs` (0: never). */
function endsEpoch(plan: RunPlan, version: number, everyEpochs: number): boolean {
  return everyEpochs > 0 && version > 0 && version % (everyEpochs * batchesPerEpoch(plan)) === 0;
}
