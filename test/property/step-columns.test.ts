/** @file What a page draws of steps: no lowest and no highest value is lost, however many steps and however few points. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StepColumns } from '../../tools/board/step-columns.ts';
import { row } from '../support/board.ts';

const losses = fc.array(fc.float({ noDefaultInfinity: true, noNaN: false }), {
  ...{ minLength: 1, maxLength: 500 },
});
const points = fc.integer({ min: 1, max: 60 });
/** As many digits as are drawn. */
const short = (value: number) => Number(value.toPrecision(6));

function filled(values: readonly number[]): StepColumns {
  const columns = new StepColumns();
  for (const [place, loss] of values.entries()) columns.add(row(place + 1, { loss }));
  return columns;
}

it('the lowest and the highest value are among the buckets, and none is beyond them', () => {
  fc.assert(
    fc.property(losses, points, (values, max) => {
      const { values: drawn, step } = filled(values).decimate({ points: max });
      expect(step.length).toBeLessThanOrEqual(max);
      expect(step.at(-1)).toBe(values.length);
      const finite = values.filter(Number.isFinite);
      const kept = (list: readonly (number | null)[]) => list.filter((value) => value !== null);
      expect(Math.min(...kept(drawn.loss.min))).toBe(short(Math.min(...finite)));
      expect(Math.max(...kept(drawn.loss.max))).toBe(short(Math.max(...finite)));
    }),
  );
});

it('what a page has and what is new are together what it would be sent anew', () => {
  fc.assert(
    fc.property(losses, losses, points, (before, after, max) => {
      const columns = filled(before);
      const old = columns.decimate({ points: max });
      for (const [place, loss] of after.entries()) {
        columns.add(row(before.length + place + 1, { loss }));
      }
      const known = { bucket: old.bucket, after: old.first + old.step.length - 1 };
      const news = columns.decimate({ points: max, known });
      const anew = columns.decimate({ points: max });
      const keep = news.bucket === old.bucket ? news.first - old.first : 0;
      expect([...old.step.slice(0, keep), ...news.step]).toEqual(anew.step);
      const join = (kind: 'min' | 'max' | 'mean') =>
        expect([...old.values.loss[kind].slice(0, keep), ...news.values.loss[kind]]).toEqual(
          anew.values.loss[kind],
        );
      for (const kind of ['min', 'max', 'mean'] as const) join(kind);
    }),
  );
});

it('each step of a part that is looked at is drawn', () => {
  fc.assert(
    fc.property(losses, fc.nat(500), fc.nat(500), points, (values, from, length, max) => {
      const drawn = filled(values).decimate({ from, to: from + length, points: max });
      const inside = values.filter((_, place) => place + 1 >= from && place + 1 <= from + length);
      const highest = Math.max(...inside.filter(Number.isFinite));
      const most = Math.max(...drawn.values.loss.max.filter((value) => value !== null));
      if (Number.isFinite(highest)) expect(most).toBeGreaterThanOrEqual(short(highest));
    }),
  );
});
