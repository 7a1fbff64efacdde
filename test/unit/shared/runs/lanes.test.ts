/** @file What workers did: as spans of time, and kept in a ring of files. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TimedActivity } from '../../../../shared/runs/activity.ts';
import { ActivityFiles, readActivities } from '../../../../shared/runs/activity-files.ts';
import { laneSpans } from '../../../../shared/runs/reader/lanes.ts';
import { temporaryFolder } from '../../../support/data.ts';

const NO_TIME = { pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0 };

function delivered(step: number, atMs: number, timings: object): TimedActivity {
  return {
    ...{ type: 'delivered', worker: 'w1', kind: 'train', step, first: 0, count: 2, samples: 8 },
    ...{ atMs, timings: { ...NO_TIME, ...timings } },
  };
}

it('parts of a worker lie before the arrival of their node; its push comes with the next one', () => {
  const spans = laneSpans([
    { type: 'assigned', worker: 'w1', kind: 'train', step: 0, ranges: [], reason: '', atMs: 5 },
    delivered(0, 100, { idleMs: 30, pullMs: 10, fetchMs: 10, computeMs: 50 }),
    delivered(1, 200, { pushMs: 20, idleMs: 10, computeMs: 70 }),
  ]);
  expect(spans.map(({ part, fromMs, toMs, step }) => [part, fromMs, toMs, step])).toEqual([
    ['idle', -20, 10, 0],
    ['pull', 10, 20, 0],
    ['fetch', 20, 30, 0],
    ['compute', 30, 80, 0],
    ['push', 80, 100, 0],
    ['idle', 120, 130, 1],
    ['compute', 130, 200, 1],
  ]);
});

it('spans follow each other and never overlap, whatever a worker says', () => {
  const ms = fc.double({ min: 0, max: 1000, noNaN: true });
  const times = fc.record({ pullMs: ms, fetchMs: ms, computeMs: ms, pushMs: ms, idleMs: ms });
  fc.assert(
    fc.property(fc.array(fc.tuple(ms, times)), (nodes) => {
      let atMs = 0;
      const activities = nodes.map(([afterMs, timings], step) => {
        atMs += afterMs;
        return delivered(step, atMs, timings);
      });
      let endMs = Number.NEGATIVE_INFINITY;
      for (const { fromMs, toMs } of laneSpans(activities)) {
        expect(fromMs).toBeGreaterThanOrEqual(endMs);
        expect(toMs).toBeGreaterThan(fromMs);
        endMs = toMs;
      }
    }),
  );
});

it('a run folder keeps the newest activities over several lives, and damaged lines are left out', async () => {
  const folder = await temporaryFolder();
  for (const life of [0, 1]) {
    const files = new ActivityFiles(folder);
    files.activity(delivered(life, life, { computeMs: 1 }));
    await files.close();
    writeFileSync(join(folder, 'activity', '000009.jsonl'), '{"type":"delivered"}\n{"ty');
  }
  const found = await readActivities(folder);
  expect(found.map((activity) => activity.step)).toEqual([0, 1]);
  expect(await readActivities(join(folder, 'no'))).toEqual([]);
});

it('the files of a long run stay within their bound', async () => {
  const folder = await temporaryFolder();
  const reason = 'x'.repeat(100_000);
  for (let life = 0; life < 8; life += 1) {
    const files = new ActivityFiles(folder);
    for (let step = 0; step < 30; step += 1) {
      const what = { type: 'assigned', worker: 'w', kind: 'train', ranges: [], reason } as const;
      files.activity({ ...what, step, atMs: step });
    }
    await files.close();
  }
  const names = readdirSync(join(folder, 'activity'));
  expect(names).toEqual(['000005.jsonl', '000006.jsonl', '000007.jsonl', '000008.jsonl']);
  const bytes = names.map((name) => statSync(join(folder, 'activity', name)).size);
  expect(Math.max(...bytes)).toBeLessThan(12 * 1024 ** 2);
});
