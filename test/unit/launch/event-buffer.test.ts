/** @file Events on their way to one reader: in order, bounded, and what was dropped is said. */
import { expect, it } from 'vitest';
import { EventBuffer } from '../../../launch/event-buffer.ts';

async function read<T>(buffer: EventBuffer<T>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of buffer) items.push(item);
  return items;
}

it('what was pushed before the reader came, and after, arrives in order', async () => {
  const buffer = new EventBuffer<number>(9);
  buffer.push(1);
  const reading = read(buffer);
  await Promise.resolve();
  buffer.push(2);
  await new Promise((resolve) => setImmediate(resolve));
  buffer.push(3);
  buffer.end();
  expect(await reading).toEqual([1, 2, 3]);
});

it('the newest are kept, and the reader is told how many are missing', async () => {
  const buffer = new EventBuffer<number>(2);
  for (let item = 1; item <= 5; item += 1) buffer.push(item);
  buffer.end();
  expect(await read(buffer)).toEqual([{ type: 'dropped', count: 3 }, 4, 5]);
});

it('a reader that goes leaves the rest to the next one', async () => {
  const buffer = new EventBuffer<number>(9);
  for (const item of [1, 2, 3]) buffer.push(item);
  for await (const item of buffer) if (item === 1) break;
  buffer.end();
  expect(await read(buffer)).toEqual([2, 3]);
});
