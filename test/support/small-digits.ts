/** @file A few of the embedded digits as idx files, once for all end-to-end tests: small runs load no more than they need. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openMnist } from '../../shared/data/sets/mnist.ts';
import { idxBytes } from './idx-bytes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where they are. */
    readonly smallDigits: string;
  }
}

const COUNT = 1_536;
/** Every sixth is for testing: 1,280 to train, 256 to test. */
const TEST_EVERY = 6;

const folder = mkdtempSync(join(tmpdir(), 'tessera-digits-'));

/** Writes them. */
export async function setup(project: TestProject): Promise<void> {
  const { train: digits } = await openMnist();
  // Spread over all, which are in the order of their classes.
  const chosen = Array.from({ length: COUNT }, (_, index) =>
    Math.floor((index * digits.labels.length) / COUNT),
  );
  for (const prefix of ['train', 't10k'] as const) {
    const positions = chosen.filter(
      (_, index) => (index % TEST_EVERY === 0) === (prefix === 't10k'),
    );
    const images = await Promise.all(positions.map(async (at) => (await digits.image(at)).bytes));
    const labels = positions.map((at) => digits.labels[at] as number);
    const shape = [positions.length, 28, 28];
    writeFileSync(
      join(folder, `${prefix}-images-idx3-ubyte`),
      idxBytes(shape, Buffer.concat(images)),
    );
    writeFileSync(join(folder, `${prefix}-labels-idx1-ubyte`), idxBytes([labels.length], labels));
  }
  project.provide('smallDigits', folder);
}

/** Removes them. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
