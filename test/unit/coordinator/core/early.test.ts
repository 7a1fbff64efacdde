/** @file Early stopping: when a run ends before its last step, and where a resumed one does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoreEffect, CoreEvent, RunPlan } from '../../../../coordinator/core/messages.ts';
import { agendaOf, endsEarly } from '../../../../coordinator/core/plan.ts';
import { nodeOf, PLAN, Scene } from '../../../support/core-scene.ts';

const PATIENT: RunPlan = { ...PLAN, epochs: 9, earlyStopping: 2, validationSamples: 8 };

describe('the plan', () => {
  it('ends with a version whose best is `earlyStopping` epochs old, of two steps each', () => {
    const ends = [2, 4, 6, 8].map((version) => endsEarly(PATIENT, version, 4));
    expect(ends).toEqual([false, false, false, true]);
    expect(endsEarly(PATIENT, 4, undefined)).toBe(true);
    expect(endsEarly({ ...PATIENT, earlyStopping: 0 }, 8, 2)).toBe(false);
    expect(endsEarly(PATIENT, 18, 2)).toBe(false);
  });

  it('an early end is tested and saved as the planned one is', () => {
    expect(agendaOf(PATIENT, 8, true)).toEqual(['validate', 'test', 'save', 'finish']);
    expect(agendaOf({ ...PATIENT, validationSamples: 0 }, 8, true)).toEqual([
      'test',
      'save',
      'finish',
    ]);
  });
});

/** Runs to the end by one worker; `correct` is what each epoch's version gets right. */
function endOf(plan: RunPlan, correct: readonly number[]) {
  const scene = new Scene(plan);
  scene.tell({ type: 'workerReady', worker: 'w1' });
  const effects = [...scene.tell({ type: 'tick' })];
  for (let effect = effects.shift(); effect !== undefined; effect = effects.shift()) {
    if (effect.type === 'finish') break;
    for (const event of repliesTo(effect, correct)) effects.push(...scene.tell(event));
  }
  return { version: scene.run.version, reason: scene.run.reason };
}

/** What a worker and a driver do about an effect. */
function repliesTo(effect: CoreEffect, correct: readonly number[]): CoreEvent[] {
  switch (effect.type) {
    case 'assign': {
      const { kind, step, version, epoch, ranges } = effect.assignment;
      return ranges.map(({ first, count }) => ({
        type: 'nodeArrived',
        worker: 'w1',
        node: {
          ...nodeOf(kind, step, first, count),
          ...{ version, correct: kind === 'validate' ? (correct[epoch] as number) : 0 },
        },
      }));
    }
    case 'applyStep':
      return [{ type: 'stepApplied', stepIndex: effect.stepIndex }];
    case 'saveCheckpoint':
      return [{ type: 'checkpointWritten', version: effect.version }];
    case 'restoreVersion':
      return [{ type: 'versionRestored', version: effect.version, isThere: true }];
    default:
      return [];
  }
}

describe('a run', () => {
  it('ends when nothing was better for two epochs, and says so', () => {
    const { version, reason } = endOf(PATIENT, [3, 5, 4, 4, 8]);
    expect(version).toBe(8);
    expect(reason).toBe('ended early, after 8 of 18 steps: no evaluation was better for 2 epochs');
  });

  it('goes to its end while evaluations get better', () => {
    expect(endOf(PATIENT, [1, 1, 2, 2, 3, 3, 4, 4, 5])).toEqual({
      version: 18,
      reason: 'all 18 steps are done',
    });
  });

  it('never ends before its patience, whatever the evaluations say', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 9, maxLength: 9 }),
        (all) => {
          const { version } = endOf(PATIENT, all);
          const judged = all.slice(0, version / 2);
          const best = judged.indexOf(Math.max(...judged));
          expect(version === 18 || judged.length - 1 - best === 2).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});
