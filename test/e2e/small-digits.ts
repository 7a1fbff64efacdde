/** @file A few of the embedded digits as idx files, once for all end-to-end tests: small runs load no more than they need. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMnist } from '../../shared/data/mnist.ts';

const COUNT = 3_072;
/** Every sixth is for testing: 2,560 to train, 512 to test. */
const TEST_EVERY = 6;

/** Where they are while tests run: in the temporary folder of this test run, which is removed with all that is in it. */
export function smallDigits(): string {
  return join(tmpdir(), 'small-digits');
}

/** Writes them. */
export async function setup(): Promise<void> {
  const folder = smallDigits();
  mkdirSync(folder);
  const { train: digits } = await openMnist();
  // Spread over all, which are in the order of their classes.
  const chosen = Array.from({ length: COUNT }, (_, index) =>
    Math.floor((index * digits.labels.length) / COUNT),
  );
  for (const [prefix, isTest] of [['train', false] as const, ['t10k', true] as const]) {
    const positions = chosen.filter((_, index) => (index % TEST_EVERY === 0) === isTest);
    const images = await Promise.all(positions.map(async (at) => (await digits.image(at)).bytes));
    const labels = Buffer.from(positions.map((at) => digits.labels[at] as number));
    const count = uint32(positions.length);
    const write = (part: string, ...content: Uint8Array[]) =>
      writeFileSync(join(folder, `${prefix}-${part}-ubyte`), Buffer.concat(content));
    write('images-idx3', Buffer.from([0, 0, 8, 3]), count, uint32(28), uint32(28), ...images);
    write('labels-idx1', Buffer.from([0, 0, 8, 1]), count, labels);
  }
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
