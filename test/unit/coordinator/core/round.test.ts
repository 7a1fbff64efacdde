import { describe, expect, it } from 'vitest';
import { agendaOf, epochOf, trainingRound } from '../../../../coordinator/core/plan.ts';
import { Round } from '../../../../coordinator/core/round.ts';
import { nodeOf, PLAN } from '../../../support/core-scene.ts';

describe('the timetable', () => {
  const plan = { ...PLAN, trainSamples: 34, checkpointEverySteps: 2 };

  it.each([
    [0, { epochIndex: 0, batch: 0, numLeaves: 4 }],
    [2, { epochIndex: 0, batch: 2, numLeaves: 1 }],
    [3, { epochIndex: 1, batch: 0, numLeaves: 4 }],
  ])('step %i is where it belongs, and the last batch of an epoch is short', (stepIndex, place) => {
    const made = { stepIndex, version: stepIndex, ...place };
    expect(trainingRound(plan, stepIndex)).toMatchObject(made);
  });

  it.each([
    [0, ['train']],
    [1, ['train']],
    [2, ['save', 'train']],
    [3, ['test', 'save', 'train']],
    [4, ['save', 'train']],
    [6, ['test', 'save', 'finish']],
  ])('version %i is followed by %j', (version, tasks) => {
    expect(agendaOf(plan, version)).toEqual(tasks);
  });

  it('always evaluates and saves the end', () => {
    const never = {
      ...plan,
      evaluateEveryEpochs: 0,
      earlyStopping: 0,
      checkpointEveryEpochs: 0,
      checkpointEverySteps: 0,
    };
    expect([3, 6].map((version) => agendaOf(never, version))).toEqual([
      ['train'],
      ['test', 'save', 'finish'],
    ]);
  });

  it('evaluates nothing where there are no test samples', () => {
    expect(agendaOf({ ...plan, testSamples: 0 }, 6)).toEqual(['save', 'finish']);
  });

  it('counts epochs from 1', () => {
    expect([0, 1, 3, 4, 6].map((version) => epochOf(plan, version))).toEqual([1, 1, 1, 2, 2]);
  });
});

describe('the open round', () => {
  const place = { ...trainingRound(PLAN, 3), numLeaves: 7 };

  it.each([
    ['a node of the round', nodeOf('train', 3, 0, 4), 'accepted'],
    ['the short node at the end', nodeOf('train', 3, 4, 3), 'accepted'],
    ['a range that is no node', nodeOf('train', 3, 1, 2), 'stale'],
    ['a range beyond the end', nodeOf('train', 3, 6, 2), 'stale'],
    ['another step', nodeOf('train', 2, 0, 4), 'stale'],
    ['another kind', nodeOf('test', 3, 0, 4), 'stale'],
    ['another version', { ...nodeOf('train', 3, 0, 4), version: 2 }, 'stale'],
  ])('judges %s', (_name, node, outcome) => {
    expect(new Round(place).judge(node)).toBe(outcome);
  });

  it('drops what it has wholly or in part, and changes nothing by judging', () => {
    const round = new Round(place);
    round.accept(nodeOf('train', 3, 0, 2));
    const again = [nodeOf('train', 3, 0, 2), nodeOf('train', 3, 1, 1), nodeOf('train', 3, 0, 4)];
    expect(again.map((node) => round.judge(node))).toEqual(again.map(() => 'acceptedBefore'));
    expect(round.openLeaves).toEqual([2, 3, 4, 5, 6]);
    expect(() => round.accept(nodeOf('train', 3, 0, 4))).toThrow('invariant broken');
  });
});
