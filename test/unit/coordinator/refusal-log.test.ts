/** @file Who is refused is named, however often; how often fills no log and hides nobody else. */
import { expect, it } from 'vitest';
import { refusalLog } from '../../../coordinator/refusal-log.ts';
import { systemClock } from '../../../shared/core/clock.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { createLog } from '../../../shared/host/log.ts';

function start() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = createLog({ component: 'test', level: 'warn', destination });
  const time = { nowMs: 0 };
  const report = refusalLog(log, { ...systemClock, nowMs: () => time.nowMs });
  const refuse = (
    sentence: string,
    host = '10.0.0.7',
    code: 'TIMEOUT' | 'STEP_STALE' = 'TIMEOUT',
  ) => report(new TesseraError(code, sentence), '/Exchange/PushNode', `${host}:${lines.length}`);
  const said = () => lines.map(({ err }) => (err as Error | undefined)?.message ?? '');
  return { lines, time, refuse, said };
}

it('who is refused again and again is named once a minute, with the number of the rest', () => {
  const { lines, time, refuse, said } = start();
  for (let call = 0; call < 1000; call += 1) refuse('worker rogue has 4 pushes under way');
  refuse('worker other has 4 pushes under way');
  expect(said()).toEqual([expect.stringContaining('rogue'), expect.stringContaining('other')]);
  expect(lines[0]).toMatchObject({ peer: '10.0.0.7:0', method: '/Exchange/PushNode' });
  time.nowMs = 60_000;
  refuse('worker rogue has 4 pushes under way');
  expect(lines[2]).toMatchObject({ calls: 999, msg: 'more calls were refused' });
  expect(said()[3]).toContain('rogue');
});

it('words that are ever others are bounded, and hide no other address', () => {
  const { lines, refuse } = start();
  for (let call = 0; call < 1000; call += 1) refuse(`no join from ${call}`);
  expect(lines).toHaveLength(20);
  refuse('no join', '10.0.0.8');
  expect(lines).toHaveLength(21);
});

it('what is the business of the caller alone is not said', () => {
  const { lines, refuse } = start();
  refuse('the step is over', '10.0.0.7', 'STEP_STALE');
  expect(lines).toEqual([]);
});
