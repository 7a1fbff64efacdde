/** @file The lines of a worker's log that wait for the coordinator: which are kept, what a message carries. */
import { describe, expect, it } from 'vitest';
import { LOG_LIMITS } from '../../../../shared/contract/messages.ts';
import { LogRing } from '../../../../worker/core/log-ring.ts';

const record = (level: number, msg: string, more: object = {}) =>
  `${JSON.stringify({ level, time: 1, component: 'worker', pid: 7, ...more, msg })}\n`;

/** A ring with so many lines, the texts of which are their numbers. */
function ringOf(count: number): LogRing {
  const ring = new LogRing();
  for (let number = 1; number <= count; number += 1) ring.add('warn', String(number), number);
  return ring;
}
const textsOf = (lines: readonly { readonly text: string }[]) => lines.map(({ text }) => text);

describe('a worker keeps of its log', () => {
  it('warnings and worse, in words, with the message of an error and without its stack', () => {
    const ring = new LogRing();
    ring.record(record(20, 'node pushed'), 0);
    ring.record(record(30, 'model compiled'), 0);
    ring.record(
      record(40, 'pull failed', { err: { message: 'gone', stack: 'at x' }, version: 3 }),
      5,
    );
    ring.record(record(50, 'no engine'), 6);
    ring.record(record(60, 'the end'), 7);
    ring.record('no record', 8);
    expect(ring.oldest(10)).toEqual([
      { number: 1, leftOut: 0, ageMs: 5, level: 'warn', text: 'pull failed  err=gone  version=3' },
      { number: 2, leftOut: 0, ageMs: 4, level: 'error', text: 'no engine' },
      { number: 3, leftOut: 0, ageMs: 3, level: 'fatal', text: 'the end' },
    ]);
  });

  it('one line each, which is cut and obeyed by nothing', () => {
    const ring = new LogRing();
    ring.record(record(40, `a\nb\u001b[31m\u202e${'x'.repeat(5000)}`), 0);
    const [{ text } = { text: '' }] = ring.oldest(0);
    expect(text).toMatch(/^a\\u000ab\\u001b\[31m\\u202exx+…$/);
    expect(text.length).toBe(LOG_LIMITS.lineChars);
  });
});

describe('messages carry', () => {
  it('the oldest lines until they are acknowledged, then those that follow', () => {
    const ring = ringOf(20);
    const first = ring.oldest(0);
    expect(textsOf(first)).toEqual(Array.from({ length: 16 }, (_, at) => String(at + 1)));
    expect(ring.oldest(0)).toEqual(first);
    ring.acknowledge(3);
    expect(textsOf(ring.oldest(0))[0]).toBe('4');
    ring.acknowledge(2);
    expect(textsOf(ring.oldest(0))[0]).toBe('4');
    ring.acknowledge(16);
    expect(textsOf(ring.oldest(0))).toEqual(['17', '18', '19', '20']);
    ring.acknowledge(10 ** 9);
    expect(ring.oldest(0)).toEqual([]);
    ring.add('error', 'more', 0);
    expect(ring.oldest(0)).toMatchObject([{ number: 21, text: 'more' }]);
  });

  it('the number of lines that are left out, of a worker that says more than its memory for it has room for', () => {
    const ring = ringOf(100);
    expect(ring.oldest(0)[0]).toMatchObject({ number: 37, leftOut: 36 });
    expect(ring.oldest(0)[1]).toMatchObject({ number: 38, leftOut: 0 });
    ring.acknowledge(40);
    expect(ring.oldest(0)[0]).toMatchObject({ number: 41, leftOut: 0 });
  });

  it('no more characters than one has room for, and one line at least', () => {
    const ring = new LogRing();
    for (let at = 0; at < 20; at += 1) ring.add('warn', 'y'.repeat(LOG_LIMITS.lineChars), 0);
    expect(ring.oldest(0)).toHaveLength(LOG_LIMITS.chars / LOG_LIMITS.lineChars);
  });

  it('at the end the newest lines, and how many are left out before them', () => {
    const last = ringOf(100).newest(0);
    expect(textsOf(last)).toEqual(Array.from({ length: 16 }, (_, at) => String(at + 85)));
    expect(last[0]).toMatchObject({ number: 85, leftOut: 84 });
  });
});
