/** @file Work that is under way together stays within its bound, keeps its order, and all of it ends. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mapAhead, mapAtMost, WeighedGate } from '../../shared/core/concurrency.ts';

const LIMIT = 10;
const weights = fc.array(fc.nat({ max: 14 }), { maxLength: 30 });

/** Notes how much is under way at most. */
function meter() {
  let now = 0;
  const seen = { most: 0, begun: [] as number[] };
  const under =
    (s: fc.Scheduler, share = 1) =>
    async (item: number) => {
      seen.begun.push(item);
      now += share;
      seen.most = Math.max(seen.most, now);
      await s.schedule(Promise.resolve());
      now -= share;
      if (item === 13) throw new Error('unlucky');
      return item;
    };
  return { seen, under };
}

it('a gate lets in as much as its limit, one by one what weighs more, in the order of asking', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), weights, async (s, all) => {
      const { seen, under } = meter();
      const gate = new WeighedGate(LIMIT);
      const done = Promise.allSettled(
        all.map((weight) => gate.run(weight, () => under(s, Math.min(weight, LIMIT))(weight))),
      );
      const outcomes = await s.waitFor(done);
      expect(seen.most).toBeLessThanOrEqual(LIMIT);
      expect(seen.begun).toEqual(all);
      // What fails gives its room back as well.
      const failed = outcomes.filter(({ status }) => status === 'rejected');
      expect(failed).toHaveLength(all.filter((weight) => weight === 13).length);
    }),
  );
});

it('items are worked on at most so many at once, and their results keep the order', async () => {
  const items = fc.array(fc.nat({ max: 12 }));
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      items,
      fc.integer({ min: 1, max: 5 }),
      async (s, all, most) => {
        const { seen, under } = meter();
        expect(await s.waitFor(mapAtMost(most, all, under(s)))).toEqual(all);
        expect(seen.most).toBe(Math.min(most, all.length));
      },
    ),
  );
});

it('after a failure nothing more is begun', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 2) throw new Error('unlucky');
  };
  await expect(mapAtMost(1, [1, 2, 3], work)).rejects.toThrow('unlucky');
  expect(begun).toEqual([1, 2]);
});

it('reading ahead keeps the order and the bound, and tells a failure when its turn comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), weights, fc.nat({ max: 4 }), async (s, all, ahead) => {
      const { seen, under } = meter();
      const come: number[] = [];
      const take = async () => {
        for await (const item of mapAhead(ahead, all, under(s))) come.push(item);
      };
      const failed = await s.waitFor(take().catch(() => 'failed'));
      const unlucky = all.indexOf(13);
      expect(come).toEqual(unlucky < 0 ? all : all.slice(0, unlucky));
      expect(failed).toBe(unlucky < 0 ? undefined : 'failed');
      expect(seen.most).toBeLessThanOrEqual(ahead + 1);
    }),
  );
});
