/** @file The terminal's notification: only on a terminal, one line that cannot control it, and a bell. */
import { expect, it } from 'vitest';
import { terminalNotices } from '../../../cli/run/terminal-notices.ts';
import { observeOptions } from '../../../shared/config/observe.ts';

const OBSERVE = observeOptions.parse({});
const time = '2026-01-01T00:00:00.000Z';

it('is written to a terminal, and to nothing else', async () => {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  expect(terminalNotices(OBSERVE, { write })).toEqual([]);
  const [observer] = terminalNotices(OBSERVE, { isTTY: true, write });
  const reason = 'a\u0007b\u001b]0;c\nd';
  await observer?.event({ type: 'ended', time, how: 'failed', exit: 65, code: 'X', reason });
  await observer?.close?.();
  const text = 'tessera: failed: a\\u0007b\\u001b]0;c\\u000ad [X, exit 65]';
  expect(written).toEqual([`\u001b]9;${text}\u001b\\\u0007`]);
});
