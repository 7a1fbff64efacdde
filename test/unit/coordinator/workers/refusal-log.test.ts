/** @file Who is refused is named, with the cause, however often; how often fills no log and hides nobody else. */
import { expect, it } from 'vitest';
import { RefusalLog } from '../../../../coordinator/workers/refusal-log.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { type ErrorCode, TesseraError } from '../../../../shared/core/errors.ts';
import { createLog } from '../../../../shared/machine/log.ts';

const MINUTE_MS = 60_000;
const SESSION = '/tessera.v1.Control/Session';

function start() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLog({ component: 'test', level: 'warn', destination });
  const time = { nowMs: 0 };
  const refusals = new RefusalLog(log, { ...systemClock, nowMs: () => time.nowMs });
  const refuse = (
    sentence: string,
    { host = '10.0.0.7', code = 'TIMEOUT' as ErrorCode, method = SESSION, hint = 'do this' } = {},
  ) => refusals.report(new TesseraError(code, sentence, { hint }), method, `${host}:4711`);
  return { lines, time, refusals, refuse, said: () => lines.map(({ msg }) => msg) };
}

it('each cause and peer is told at once, in a sentence with what to do', () => {
  const { lines, refuse, said } = start();
  refuse('worker "w1" speaks protocol 4, this coordinator 5', { code: 'PROTOCOL_MISMATCH' });
  refuse('the run has 2 workers already', { code: 'RUN_FULL', host: '::ffff:10.0.0.8' });
  refuse('the token shown is not known here', { code: 'ACCESS_DENIED', method: 'connection' });
  expect(said()).toEqual([
    'refused a worker of 10.0.0.7: worker "w1" speaks protocol 4, this coordinator 5; do this',
    'refused a worker of 10.0.0.8: the run has 2 workers already; do this',
    'refused a connection of 10.0.0.7: the token shown is not known here; do this',
  ]);
  expect(lines[0]).toMatchObject({ peer: '10.0.0.7:4711', code: 'PROTOCOL_MISMATCH' });
});

it('who is refused again and again is told with the number, ever more rarely', () => {
  const { time, refuse, said } = start();
  for (let minute = 0; minute < 60; minute += 1) {
    for (let call = 0; call < 100; call += 1) refuse('worker rogue has 4 pushes under way');
    time.nowMs += MINUTE_MS;
  }
  expect(said()).toEqual([
    expect.stringMatching(/rogue.*do this$/),
    expect.stringContaining('(100 times since'),
    expect.stringContaining('(400 times since'),
    expect.stringContaining('(1600 times since'),
  ]);
  refuse('worker other has 4 pushes under way');
  expect(said()).toHaveLength(5);
});

it('words that are ever others are bounded, and hide no other address', () => {
  const { refuse, said } = start();
  for (let call = 0; call < 1000; call += 1) refuse(`no join from ${call}`);
  expect(said()).toHaveLength(20);
  refuse('no join', { host: '10.0.0.8' });
  expect(said()).toHaveLength(21);
});

it('what is the business of the caller alone is not said', () => {
  const { refuse, said, refusals } = start();
  refuse('the step is over', { code: 'STEP_STALE' });
  expect(said()).toEqual([]);
  expect(refusals.joins.refusedJoins).toBe(0);
});

it('counts the joins for the status, with the last', () => {
  const { refuse, refusals } = start();
  refuse('the run is full', { code: 'RUN_FULL' });
  refuse('the run is full', { code: 'RUN_FULL' });
  refuse('too slow', { method: '/tessera.v1.Exchange/PushNode' });
  expect(refusals.joins).toEqual({
    refusedJoins: 2,
    lastRefusal: 'refused a worker of 10.0.0.7: the run is full; do this',
  });
});
