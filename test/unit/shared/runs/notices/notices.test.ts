/** @file What is worth a notice: the end, a failure, a new best, an alarm, a run that does not move. */
import { expect, it } from 'vitest';
import type { RunEvent } from '../../../../../shared/runs/events.ts';
import { Notices } from '../../../../../shared/runs/notices/notices.ts';
import { templateFor } from '../../../../../shared/runs/notices/templates.ts';

const MINUTE = 60_000;
const time = '2026-01-01T00:00:00.000Z';
const DATA: RunEvent = {
  ...{ type: 'data', sentence: '', classes: [], size: {} },
  found: { from: {}, leftOut: [], notes: [] },
};
const saved = (step: number): RunEvent => {
  return { type: 'checkpoint', step, folder: '', bytes: 1, seconds: 1, parametersSha256: '' };
};
const evaluation = (version: number, accuracy: number, loss = 1): RunEvent => ({
  ...{ type: 'evaluation', split: 'validation', version, atStep: version, epoch: 1 },
  ...{ loss, accuracy },
});
const ended = (how: 'done' | 'stopped' | 'failed', exit: number): RunEvent => {
  return { type: 'ended', how, exit, code: 'NON_FINITE', reason: 'why' };
};

/** The sentences of the notices of some events, each at a minute. */
function sentencesOf(events: readonly (readonly [minute: number, event: RunEvent])[]) {
  const notices = new Notices(10 * MINUTE);
  return events.flatMap(([minute, event]) =>
    notices.take({ time, ...event }, minute * MINUTE).map(({ sentence }) => sentence),
  );
}

it('a best after the first one, ten minutes apart at least; never one of a garbage loss', () => {
  const told = sentencesOf([
    [0, evaluation(1, 0.5)],
    [1, evaluation(2, 0.4)],
    [2, evaluation(3, 0.6)],
    [3, evaluation(4, 0.7)],
    [13, evaluation(5, 0.7)],
    [14, evaluation(6, 0.99, Number.NaN)],
    [15, evaluation(7, 0.8)],
  ]);
  expect(told).toEqual([
    'new best: 60.0 % of the validation images, loss 1.0000, after step 3',
    'new best: 80.0 % of the validation images, loss 1.0000, after step 7',
  ]);
});

it('the end, with the best; a failure, with its code; not the end of a run that was done before', () => {
  const run = [DATA, evaluation(1, 0.5)].map((event) => [0, event] as const);
  expect(sentencesOf([...run, [1, ended('done', 0)]])).toEqual(['done: why; best 50.0 %']);
  expect(sentencesOf([...run, [1, ended('stopped', 130)]])).toEqual(['stopped: why']);
  expect(
    sentencesOf([
      [0, DATA],
      [1, ended('failed', 65)],
    ]),
  ).toEqual(['failed: why [NON_FINITE, exit 65]']);
  expect(
    sentencesOf([
      [0, DATA],
      [1, ended('done', 0)],
    ]),
  ).toEqual([]);
});

it('no step for so long is told once, with why, and that it moves again', () => {
  const notices = new Notices(10 * MINUTE);
  const at = (minute: number) => notices.tick(minute * MINUTE, time).map((one) => one.sentence);
  const take = (minute: number, event: RunEvent) =>
    notices.take({ time, ...event }, minute * MINUTE).map((one) => one.sentence);
  expect(at(60)).toEqual([]);
  take(60, DATA);
  expect(at(69)).toEqual([]);
  take(69, { type: 'stall', seconds: 60, sentence: 'no worker is there' });
  expect(at(70)).toEqual(['no step was made for 10 min: no worker is there']);
  expect(at(90)).toEqual([]);
  expect(take(91, saved(1))).toEqual(['the run moves again, after 31 min']);
  expect(at(100)).toEqual([]);
  expect(at(101)).toEqual(['no step was made for 10 min']);
  take(102, ended('stopped', 130));
  expect(new Notices(0).tick(1e9, time)).toEqual([]);
});

it("Slack's own host gets its template", () => {
  const slack = new URL('https://hooks.slack.com/services/x');
  expect([templateFor('auto', slack), templateFor('json', slack)]).toEqual(['slack', 'json']);
  expect(templateFor('auto', new URL('https://example.com/slack'))).toBe('json');
});
