/** @file What an alarm is: something about a training that a person wants to know of early. Pure. */
import type { RunEvent } from '../events.ts';

/** Bytes that are free on the disk of a run, and the checkpoints that lie there. */
export interface DiskRoom {
  readonly type: 'room';
  readonly freeBytes: number;
  readonly checkpoints: number;
}

/** What alarms are derived from. */
export type AlarmInput = RunEvent | DiskRoom;

/** An alarm begins, or is over. */
export type AlarmEvent = Extract<RunEvent, { type: 'alarm' }>;
/** What an alarm is about. */
type AlarmName = AlarmEvent['name'];
/** A change of one alarm. */
export type AlarmChange = Pick<AlarmEvent, 'state' | 'sentence'>;

/** What is known of a run before it begins. */
export interface AlarmFacts {
  readonly numClasses: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  /** `checkpoint.keep`. */
  readonly keptCheckpoints: number;
}

/** Decides about one alarm. Each change is the opposite of the one before it. */
export interface AlarmRule {
  readonly name: AlarmName;
  take(input: AlarmInput, nowMs: number): AlarmChange | undefined;
}

export const raised = (sentence: string): AlarmChange => ({ state: 'raised', sentence });
export const over = (sentence: string): AlarmChange => ({ state: 'over', sentence });

/** Loss of a model that guesses: a large share of it is a large loss, whatever the run. */
export const chanceLoss = ({ numClasses }: Pick<AlarmFacts, 'numClasses'>): number =>
  Math.log(Math.max(2, numClasses));

/** Steps over which a training loss is smoothed. */
const SMOOTHING_STEPS = 50;

/** An average over about the last 50 values; the first ones count alike. */
export class Smoothed {
  value = Number.NaN;
  #count = 0;

  add(value: number): void {
    this.#count = Math.min(SMOOTHING_STEPS, this.#count + 1);
    this.value = this.#count === 1 ? value : this.value + (value - this.value) / this.#count;
  }
}
