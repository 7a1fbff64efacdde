/** @file One copy at a time, the newest wins, failures come again. */
import { expect, it } from 'vitest';
import { inventoryOf, unkept } from '../../../../../shared/runs/mirror/manifest.ts';
import { MirrorQueue } from '../../../../../shared/runs/mirror/queue.ts';

const PASSING = { mayPass: true, isThere: true };
const LASTING = { mayPass: false, isThere: true };
const at = (step: number) => ({ step, folder: `step-${step}` });

it('copies one at a time, and of those that wait the newest', () => {
  const queue = new MirrorQueue();
  expect(queue.next(0)).toBeUndefined();
  queue.saved(at(1));
  expect(queue.next(0)).toEqual(at(1));
  queue.saved(at(2));
  queue.saved(at(3));
  expect(queue.next(0)).toBeUndefined();
  queue.copied();
  expect(queue.next(0)).toEqual(at(3));
  queue.copied();
  expect(queue.isEmpty).toBe(true);
});

it('tries what failed again after growing pauses, soon at the end, never where a newer one came', () => {
  const queue = new MirrorQueue();
  queue.saved(at(1));
  queue.next(0);
  expect(queue.failed(at(1), PASSING, 0)).toBe(true);
  expect(queue.next(0)).toEqual({ waitMs: 15_000 });
  expect(queue.next(15_000)).toEqual(at(1));
  expect(queue.failed(at(1), PASSING, 20_000)).toBe(false);
  expect(queue.next(20_000)).toEqual({ waitMs: 30_000 });
  queue.saved(at(2));
  expect(queue.next(20_000)).toEqual(at(2));
  queue.closing();
  queue.failed(at(2), PASSING, 21_000);
  expect(queue.next(21_000)).toEqual({ waitMs: 1_000 });
  expect(queue.next(22_000)).toEqual(at(2));
  queue.failed(at(2), LASTING, 22_000);
  expect(queue.isEmpty).toBe(true);
  queue.saved(at(3));
  queue.next(23_000);
  queue.end();
  queue.saved(at(4));
  expect(queue.isEmpty).toBe(true);
});

it('says the first failure of a store that is away, also where the run has removed what was copied', () => {
  const queue = new MirrorQueue();
  for (const step of [1, 2]) {
    queue.saved(at(step));
    queue.next(0);
    queue.saved(at(step + 1));
    const isFirst = queue.failed(at(step), { mayPass: true, isThere: false }, 0);
    expect(isFirst).toBe(step === 1);
  }
  expect(queue.next(0)).toEqual(at(3));
});

it('takes it for no failure that a checkpoint was removed for a newer one while it was copied', () => {
  const queue = new MirrorQueue();
  const gone = { mayPass: false, isThere: false };
  queue.saved(at(1));
  queue.next(0);
  queue.saved(at(2));
  expect(queue.failed(at(1), gone, 0)).toBeUndefined();
  expect(queue.next(0)).toEqual(at(2));
  expect(queue.failed(at(2), gone, 0)).toBe(true);
  expect(queue.isEmpty).toBe(true);
});

it('removes manifests before what they speak of, and keeps what is newer, best or not its own', () => {
  const steps = [1, 2, 3, 4].flatMap((step) =>
    ['model.safetensors', 'manifest.json'].map((name) => `step-0000000${step}/${name}`),
  );
  const names = [...steps, 'step-00000002.txt', 'executables/ab', 'step-1/x'];
  const inventory = inventoryOf(names.map((key) => ({ key, bytes: 1 })));
  expect(inventory.steps).toEqual([4, 3, 2, 1]);
  const gone = unkept(inventory, { keep: 1, bestStep: 2, newestStep: 3 });
  expect(gone).toEqual(['step-00000001/manifest.json', 'step-00000001/model.safetensors']);
});
