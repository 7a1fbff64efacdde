/** @file Steps of a run for tests of alarms, and what is raised by some. */
import type { AlarmFacts, AlarmInput } from '../../shared/runs/alarms/alarm.ts';
import { Alarms } from '../../shared/runs/alarms/alarms.ts';
import type { StepReport } from '../../shared/runs/events.ts';

const NONE = {
  ...{ wallMs: 1, pullMs: 0, fetchMs: 0, computeMs: 1, pushMs: 0, idleMs: 0 },
  ...{ sumMs: 0, optimizerMs: 0, coordinatorBusyMs: 0 },
};

/** A step of a healthy run, but for what is given. */
export function step(number: number, of: Partial<Omit<StepReport, 'step'>>): AlarmInput {
  const usual = { loss: 1, accuracy: 0.5, learningRate: 1e-3, gradientNorm: 0.5 };
  return {
    ...{ type: 'step', step: number, epoch: 1, imagesPerSecond: 100, timings: NONE },
    ...{ ...usual, ...of },
  };
}

/** A fixed number from -1 to 1 for each step. */
export const noise = (at: number) => ((at * 2_654_435_761) % 2 ** 32) / 2 ** 31 - 1;

/** The alarms of some inputs that follow each other at equal times, as `NAME STATE`. */
export function raisedBy(
  inputs: readonly AlarmInput[],
  facts: AlarmFacts,
  betweenMs: number,
): readonly string[] {
  const alarms = new Alarms(facts);
  return inputs.flatMap((input, at) =>
    alarms.take(input, at * betweenMs).map(({ name, state }) => `${name} ${state}`),
  );
}
