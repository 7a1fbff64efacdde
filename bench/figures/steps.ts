/** @file The steps of a run, as its record has them: also while it is in progress. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepTimings } from '../../shared/runs/events.ts';

/** What the record of a run has of a step. */
export interface RecordedStep {
  readonly loss: number;
  readonly timings: StepTimings;
}

/** The steps that a run has recorded; none where it has not begun. */
export async function readRecordedSteps(runFolder: string): Promise<RecordedStep[]> {
  const text = await readFile(join(runFolder, 'metrics.jsonl'), 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return whole
    .filter((line) => line.includes('"type":"step"'))
    .map((line) => JSON.parse(line) as RecordedStep);
}

/** Times of the steps that a run has recorded. */
export async function readSteps(runFolder: string): Promise<StepTimings[]> {
  return (await readRecordedSteps(runFolder)).map(({ timings }) => timings);
}

/** Means of each time. Units  milliseconds. */
export function meansOf(steps: readonly StepTimings[]): StepTimings {
  const names = Object.keys(steps[0] ?? {}) as (keyof StepTimings)[];
  const mean = (name: keyof StepTimings) =>
    steps.reduce((sum, step) => sum + step[name], 0) / steps.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as unknown as StepTimings;
}
