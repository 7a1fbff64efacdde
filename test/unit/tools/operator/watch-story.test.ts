import { describe, expect, it } from 'vitest';
import { exitCodeAfter, WatchStory } from '../../../../tools/operator/watch-story.ts';
import { STATUS } from '../../../support/commands.ts';

const WAY_ON = 'its run can go on';

function story() {
  const told = new WatchStory(STATUS, { address: 'a:1', patienceMs: 60_000, nowMs: 0 });
  return (look: Parameters<typeof told.next>[0], nowMs: number) => told.next(look, nowMs, WAY_ON);
}

describe('the story of a run that is watched', () => {
  it('tells a coordinator that has gone from one that is silent, each as news once', () => {
    const next = story();
    expect(next({ type: 'gone' }, 2000)).toMatchObject({
      outage: {
        phase: 'gone',
        sentence: `the coordinator at a:1 is gone without a record since step ${STATUS.step}, 2 s ago; retrying for 58 s`,
      },
      isNews: true,
    });
    expect(next({ type: 'gone' }, 3000)).toMatchObject({ isNews: false });
    expect(next({ type: 'silent', pid: 7 }, 12_000)).toMatchObject({
      outage: {
        phase: 'silent',
        sentence: expect.stringMatching(/does not answer since 12 s, .*; its process 7 is there/),
      },
      isNews: true,
    });
  });

  it('begins anew when it is back, and ends when patience does, with what to do', () => {
    const next = story();
    next({ type: 'gone' }, 59_000);
    const status = { ...STATUS, step: 99 };
    expect(next({ type: 'status', status }, 59_500)).toEqual({ status });
    expect(next({ type: 'silent' }, 119_000)).toMatchObject({ isNews: true });
    expect(() => next({ type: 'gone' }, 119_500)).toThrow(
      expect.objectContaining({
        code: 'COORDINATOR_UNREACHABLE',
        sentence: 'the coordinator at a:1 is gone without a record since step 99, 60 s ago',
        hint: WAY_ON,
      }),
    );
  });
});

it.each([
  ['training', '', undefined],
  ['done', '', 0],
  ['failed', 'CANCELLED', 130],
  ['failed', 'NON_FINITE', 65],
  ['failed', '', 1],
  ['failed', 'OF_LATER', 1],
])('whoever has watched a run to its end (%s %s) ends with its code', (phase, code, expected) => {
  expect(exitCodeAfter({ phase, code })).toBe(expected);
});
