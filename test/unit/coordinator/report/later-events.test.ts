/** @file Events that are passed on a turn later: in their order, none lost at the end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LaterEvents } from '../../../../coordinator/report/later-events.ts';

it('events come after what is under way, in their order, each once', async () => {
  const seen: number[] = [];
  const later = new LaterEvents((event) => {
    if (event.type === 'emptyStep') seen.push(event.step);
  });
  for (const step of [1, 2]) later.emit({ type: 'emptyStep', step });
  expect(seen).toEqual([]);
  await nextTurn();
  expect(seen).toEqual([1, 2]);
  for (const step of [3, 4]) later.emit({ type: 'emptyStep', step });
  later.flush();
  expect(seen).toEqual([1, 2, 3, 4]);
  later.emit({ type: 'emptyStep', step: 5 });
  await nextTurn();
  expect(seen).toEqual([1, 2, 3, 4, 5]);
});
