/**
 * @file Simulated worlds may not touch the machine's disk: its calls take real time, and a world that waits for them is
 * not the same when replayed. Whoever forgets to hand a disk on fails at once, in every world.
 */
import { vi } from 'vitest';

const refused = () => Promise.reject(new Error("a simulated process used the machine's disk"));

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<object>();
  return Object.fromEntries(Object.keys(actual).map((name) => [name, refused]));
});
