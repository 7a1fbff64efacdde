/** @file Properties of what workers log on its way to people: obeyed by nothing, and each line heard once or counted. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WorkerLogs } from '../../coordinator/workers/worker-logs.ts';
import { decodeLog, encodeLog } from '../../shared/contract/log-codec.ts';
import { LOG_LIMITS, type LogLine } from '../../shared/contract/messages.ts';
import { foreignLine } from '../../shared/core/text.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { LogRing } from '../../worker/core/log-ring.ts';

const OBEYED = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.constantFrom('\u001b[2J', '\n', '\u202e', '\u2028', '\ud83d', '😀', 'a', '\u009b'), {
      maxLength: 30,
    })
    .map((parts) => parts.join('')),
);

it('a foreign line is one line in its bound, obeyed by nothing, and as it was where that does no harm', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 80 }), (text, charsMax) => {
      const line = foreignLine(text, charsMax);
      expect(line.length).toBeLessThanOrEqual(charsMax);
      expect(line).not.toMatch(OBEYED);
      if (text.length <= charsMax && !OBEYED.test(text)) expect(line).toBe(text);
    }),
  );
});

it('lines are decoded, whatever they are', () => {
  const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const number = fc.oneof(fc.double(), fc.integer(), fc.constant(2 ** 63));
  const line = fc.record({ number, leftOut: uint32, ageMs: uint32, level: uint32, text: anyText });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const decoded = decodeLog(lines) ?? [];
      expect(decoded.length).toBeLessThanOrEqual(LOG_LIMITS.lines);
      for (const { text } of decoded) expect(text).not.toMatch(OBEYED);
      // What has come once goes the same way again.
      expect(decodeLog(encodeLog(decoded)) ?? []).toEqual(decoded);
    }),
  );
});

/** What happens to a worker and its coordinator: lines, heartbeats that are lost or repeated, replies, other coordinators. */
const happening = fc.oneof(
  fc.record({ what: fc.constant('logs' as const), lines: fc.integer({ min: 1, max: 90 }) }),
  fc.record({ what: fc.constantFrom('beat', 'beatAndReply', 'oldBeat', 'restart', 'later') }),
);

it('of each worker a coordinator hears each line once and in order, or how many it does not', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const ring = new LogRing();
      let [nowMs, written] = [0, 0];
      const clock = { nowMs: () => nowMs, every: () => () => {}, sleep: () => Promise.resolve() };
      let heard: Extract<RunEvent, { type: 'workerLog' }>[] = [];
      const begin = () => {
        heard = [];
        const onEvent = (event: RunEvent) => event.type === 'workerLog' && heard.push(event);
        return new WorkerLogs({ clock, onEvent });
      };
      let logs = begin();
      let old: readonly LogLine[] = [];
      const anna = { worker: 'anna', host: 'a', instance: 'i' };
      for (const one of happenings) {
        if ('lines' in one) {
          for (let more = one.lines; more > 0; more -= 1) {
            written += 1;
            ring.add('warn', String(written), nowMs);
          }
        } else if (one.what === 'later') nowMs += 60_000;
        else if (one.what === 'restart') {
          check(heard);
          logs = begin();
        } else if (one.what === 'oldBeat') logs.take(anna, old);
        else {
          old = ring.oldest(nowMs);
          const newest = logs.take(anna, old);
          if (one.what === 'beatAndReply') ring.acknowledge(newest);
        }
      }
      check(heard);
    }),
  );
});

/** Throws  where a line is heard twice, or one that is missing is not counted, or is counted twice. */
function check(heard: readonly { readonly text: string; readonly leftOut?: number }[]): void {
  let before: number | undefined;
  let leftOut = 0;
  for (const event of heard) {
    if (event.leftOut !== undefined) {
      leftOut += event.leftOut;
      continue;
    }
    const number = Number(event.text);
    if (before !== undefined) expect(number - before - 1).toBe(leftOut);
    before = number;
    leftOut = 0;
  }
}
