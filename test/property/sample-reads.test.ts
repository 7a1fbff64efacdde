/** @file The samples that one worker is sent take bounded memory, whatever it asks for and however it leaves. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SampleReads } from '../../coordinator/service/sample-reads.ts';
import type { EncodedSample } from '../../shared/data/source.ts';

const LIMIT = 10;
/** A sample has as many bytes as its index; some are larger than the limit. */
const call = fc.record({
  indices: fc.array(fc.nat({ max: 14 }), { maxLength: 12 }),
  /** The caller goes after so many. */
  takes: fc.nat({ max: 12 }),
});

/** A data set that notes how many bytes of it are in memory, until `sent` says that they are not. */
function meteredSource(s: fc.Scheduler) {
  let bytes = 0;
  const seen = { most: 0 };
  return {
    seen,
    sent: ({ index }: EncodedSample) => {
      bytes -= Math.min(index, LIMIT);
    },
    bytes: (_split: string, index: number) => s.schedule(Promise.resolve(index)),
    async read(_split: string, index: number): Promise<EncodedSample> {
      bytes += Math.min(index, LIMIT);
      seen.most = Math.max(seen.most, bytes);
      await s.schedule(Promise.resolve());
      return { index, label: 0, name: '', raw: undefined, bytes: new Uint8Array(index) };
    },
  };
}

it('all calls of a worker together hold as many bytes as they may, and each brings its samples in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(call, { maxLength: 5 }), async (s, calls) => {
      const source = meteredSource(s);
      const reads = new SampleReads(source, LIMIT);
      const all = calls.map(async ({ indices }) => {
        const came: number[] = [];
        for await (const sample of reads.read('w', 'train', indices)) {
          came.push(sample.index);
          await s.schedule(Promise.resolve());
          source.sent(sample);
        }
        expect(came).toEqual(indices);
      });
      await s.waitFor(Promise.all(all));
      expect(source.seen.most).toBeLessThanOrEqual(LIMIT);
    }),
  );
});

it('a caller that goes gives back what it held, and holds up no later one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(call, { maxLength: 5 }), async (s, calls) => {
      const reads = new SampleReads(meteredSource(s), LIMIT);
      const leave = async ({ indices, takes }: { indices: number[]; takes: number }) => {
        let left = takes;
        for await (const _sample of reads.read('w', 'train', indices)) {
          left -= 1;
          if (left < 0) break;
        }
      };
      await s.waitFor(Promise.all(calls.map(leave)));
      const last = async () => {
        const came: number[] = [];
        for await (const { index } of reads.read('w', 'train', [14, 14])) came.push(index);
        return came;
      };
      expect(await s.waitFor(last())).toEqual([14, 14]);
    }),
  );
});

it('who never takes what it asked for holds up no other worker', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (s) => {
      const reads = new SampleReads(meteredSource(s), LIMIT);
      const idle = reads.read('idle', 'train', [14, 14]);
      await s.waitFor(idle.next());
      const next = reads.read('w', 'train', [14]).next();
      expect(await s.waitFor(next)).toMatchObject({ value: { index: 14 } });
    }),
  );
});
