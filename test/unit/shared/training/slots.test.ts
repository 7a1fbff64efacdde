/** @file Leaves on the slots of a worker. */
import { describe, expect, it } from 'vitest';
import { feedOrder, slotOf } from '../../../../shared/training/slots.ts';

const NODES = [1, 2, 3, 4, 6, 8, 12, 16].map((count) => ({ first: 16, count }));

describe('leaves of a node on slots', () => {
  it('go to neighbouring leaves of one slot first', () => {
    const node = { first: 8, count: 8 };
    expect([8, 9, 10, 11, 12, 13, 14, 15].map((leaf) => slotOf(leaf, node, 4))).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3,
    ]);
    expect(feedOrder(node, 4)).toEqual([8, 10, 12, 14, 9, 11, 13, 15]);
  });

  it('are spread as evenly as they can be, each handed out once, all slots in turn', () => {
    for (const node of NODES) {
      for (const slots of [1, 2, 3, 4, 5, 8]) {
        const order = feedOrder(node, slots);
        expect(order.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: node.count }, (_, index) => node.first + index),
        );
        const loads = Array.from({ length: slots }, () => 0);
        for (const leaf of order) {
          const slot = slotOf(leaf, node, slots);
          loads[slot] = (loads[slot] ?? 0) + 1;
        }
        expect(Math.max(...loads)).toBe(Math.ceil(node.count / slots));
        const used = loads.filter((load) => load > 0).length;
        const first = order.slice(0, used).map((leaf) => slotOf(leaf, node, slots));
        expect(new Set(first).size).toBe(used);
      }
    }
  });
});
