/** @file Ranges of a vector on lanes: the cut leaves nothing out, and the whole is there when all ranges are, never before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { cutRanges, RangedTransfer } from '../../shared/exchange/grpc/lanes/ranges.ts';

const totals = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 31 }));
const lanes = fc.integer({ min: 1, max: 64 });

it('ranges follow each other from the first value to the last, at most one a lane', () => {
  fc.assert(
    fc.property(totals, lanes, (total, count) => {
      const ranges = cutRanges(7, total, count);
      expect(ranges.length).toBeLessThanOrEqual(count);
      let next = 0;
      for (const range of ranges) {
        expect(range).toMatchObject({ transfer: 7, first: next, total });
        expect(range.first % 16).toBe(0);
        expect(range.count).toBeGreaterThan(0);
        next += range.count;
      }
      expect(next).toBe(total);
    }),
  );
});

it('a transfer is whole exactly when the last range has come, and broken for all once one is lost', () => {
  const events = fc.array(
    fc.tuple(fc.constantFrom('begin', 'arrived', 'end'), fc.nat({ max: 7 })),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), lanes, events, (total, count, steps) => {
      const ranges = cutRanges(1, total, Math.min(count, 8));
      const transfer = new RangedTransfer(total);
      // What each range's call is doing, as a list of names would have it.
      const state = ranges.map(() => 'none');
      let isBroken = false;
      for (const [event, place] of steps) {
        const range = ranges[place];
        const now = state[place];
        if (range === undefined || now === undefined) continue;
        const call = `call ${place}`;
        if (event === 'begin' && now === 'none') {
          if (isBroken) {
            expect(() => transfer.begin(call, range)).toThrow('lost');
            continue;
          }
          transfer.begin(call, range);
          state[place] = 'coming';
          expect(() => transfer.begin('another', range)).toThrow(/belong to another range/);
        }
        if (event === 'arrived' && now === 'coming') {
          if (isBroken) {
            expect(() => transfer.arrived(call)).toThrow('lost');
            continue;
          }
          state[place] = 'there';
          const isWhole = state.every((it) => it === 'there' || it === 'gone');
          expect(transfer.arrived(call)).toBe(isWhole);
        }
        if (event === 'end' && (now === 'coming' || now === 'there')) {
          transfer.end(call, new TesseraError('CANCELLED', 'lost'));
          isBroken ||= now === 'coming';
          state[place] = now === 'coming' ? 'lost' : 'gone';
        }
        expect(transfer.fault !== undefined).toBe(isBroken);
        expect(transfer.isOver).toBe(!state.some((it) => it === 'coming' || it === 'there'));
      }
    }),
  );
});
