/** @file Steps in columns: those that are done again replace what followed, and of too many every second one goes. */
import { expect, it } from 'vitest';
import { StepColumns } from '../../../../tools/board/step-columns.ts';
import { row } from '../../../support/board.ts';

it('a step that is done again replaces all from there on', () => {
  const columns = new StepColumns();
  for (const step of [1, 2, 3, 4]) columns.add(row(step, { loss: step }));
  columns.add(row(3, { loss: 30 }));
  expect(columns.length).toBe(3);
  expect(columns.lastStep).toBe(3);
  expect(columns.decimate({ points: 10 }).values.loss.mean).toEqual([1, 2, 30]);
});

it('of more steps than are kept every second one is dropped, and the newest stay in order', () => {
  const columns = new StepColumns(2048);
  for (let step = 1; step <= 5000; step++) columns.add(row(step));
  expect(columns.length).toBeLessThanOrEqual(2048);
  expect(columns.lastStep).toBe(5000);
  const { step } = columns.decimate({ points: 2000 });
  expect(step).toEqual(step.toSorted((a, b) => a - b));
});

it('a value that is none is left out, and a bucket without one has none', () => {
  const columns = new StepColumns();
  for (const step of [1, 2, 3, 4]) {
    columns.add(row(step, { loss: step < 3 ? Number.NaN : step }));
  }
  const { loss } = columns.decimate({ points: 2 }).values;
  expect(loss).toEqual({ min: [null, 3], max: [null, 4], mean: [null, 3.5] });
});
