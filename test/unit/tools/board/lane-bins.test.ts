/** @file Lanes of workers: what a worker says of its time lies before the arrival of its node, and a lane has an end. */
import { expect, it } from 'vitest';
import { LANE_PARTS } from '../../../../shared/runs/reader/lanes.ts';
import { LaneBins } from '../../../../tools/board/lane-bins.ts';
import { delivered } from '../../../support/board.ts';

const START = 1_000_000;
const timings = (part: object) => ({
  ...{ pullMs: 0, fetchMs: 0, computeMs: 0, pushMs: 0, idleMs: 0, ...part },
});

/** For each column the shares of compute and idle, from 0 to 1. */
function shown(lanes: LaneBins, endMs: number, windowMs: number, count: number) {
  return lanes.columns(endMs, windowMs, count).map(({ worker, shares, goneMs }) => {
    const bytes = Buffer.from(shares, 'base64');
    const of = (part: 'compute' | 'idle') =>
      Array.from({ length: count }, (_, column) => {
        const share = bytes[column * LANE_PARTS.length + LANE_PARTS.indexOf(part)] as number;
        return Math.round((100 * share) / 255) / 100;
      });
    return { worker, goneMs, compute: of('compute'), idle: of('idle') };
  });
}

it('a node is drawn where its worker computed it', () => {
  const lanes = new LaneBins(500);
  const first = { timings: timings({ computeMs: 1000, idleMs: 500 }) };
  lanes.activity(delivered(START + 2000, first));
  // What a node took is known whole with the one after it.
  lanes.activity(delivered(START + 4000, { first: 1, timings: timings({ computeMs: 250 }) }));
  expect(shown(lanes, START + 2000, 2000, 4)).toEqual([
    { worker: 'w1', goneMs: null, compute: [0, 0, 1, 1], idle: [0, 1, 0, 0] },
  ]);
});

it('a lost worker keeps its lane and says when it went', () => {
  const lanes = new LaneBins();
  lanes.activity(delivered(START));
  lanes.gone('w1', START + 700);
  lanes.gone('nobody', START);
  expect(shown(lanes, START + 1000, 1000, 2)).toMatchObject([
    { worker: 'w1', goneMs: START + 700 },
  ]);
});

it('a worker that comes back is there again, and its lane shows when it was away', () => {
  const lanes = new LaneBins();
  lanes.activity(delivered(START));
  lanes.joined('w1', START);
  lanes.gone('w1', START + 200);
  lanes.joined('w1', START + 700);
  lanes.joined('w1', START + 800);
  lanes.activity(delivered(START + 900));
  const [lane] = lanes.columns(START + 1000, 1000, 2);
  expect(lane).toMatchObject({ goneMs: null, away: [[START + 200, START + 700]] });
  lanes.gone('w1', START + 2000);
  const [later] = lanes.columns(START + 2000, 1000, 2);
  expect(later).toMatchObject({ goneMs: START + 2000, away: [[START + 2000, null]] });
});

it('of too many workers the one that did nothing for the longest time is dropped', () => {
  const lanes = new LaneBins();
  for (let worker = 0; worker < 300; worker++) {
    lanes.activity(delivered(START + 1000 * worker, { worker: `w${worker}` }));
  }
  const names = shown(lanes, START, 1000, 1).map(({ worker }) => worker);
  expect(names).toHaveLength(256);
  expect(names).not.toContain('w0');
  expect(names).toContain('w299');
});

it('after a long silence nothing old shows up', () => {
  const lanes = new LaneBins(500);
  const busy = { timings: timings({ computeMs: 400 }) };
  lanes.activity(delivered(START, busy));
  lanes.activity(delivered(START + 500, { ...busy, first: 1 }));
  // A ring of bins: what is as old as the ring is long lies where the newest goes.
  const later = START + 660 * 1000;
  lanes.activity(delivered(later, { ...busy, first: 2 }));
  lanes.activity(delivered(later + 500, { ...busy, first: 3 }));
  const [lane] = shown(lanes, later - 2000, 60_000, 10);
  expect(lane?.compute.every((share) => share === 0)).toBe(true);
});
