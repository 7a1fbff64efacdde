/** @file What the tests of the data layer share: configs, folders, refusals. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { configSchema } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DataConfig } from '../../shared/data/options.ts';
import type { EncodedSample } from '../../shared/data/source.ts';
import { binary } from './image-heads.ts';

/** A complete data config from the options that matter. */
export function dataConfig(data: object): DataConfig {
  const optimizer = { learningRate: 1 };
  return configSchema.parse({
    name: 'test',
    data,
    model: { imageSize: 1 },
    training: { epochs: 1, batchSize: 1, microBatch: 1, optimizer },
  }).data;
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files below a folder, by their names; characters are bytes. */
export async function writeFiles(folder: string, contents: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), binary(content));
  }
}

/** Expects a DATA_INVALID whose sentence matches, with a hint. */
export async function expectInvalid(promise: Promise<unknown>, sentence: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => TesseraError.from(thrown),
  );
  expect(error?.code).toBe('DATA_INVALID');
  expect(error?.sentence).toMatch(sentence);
  expect(error?.hint).toBeTruthy();
}

/** An image file as a sample. */
export function fileSample(name: string, bytes: Uint8Array): EncodedSample {
  return { index: 0, label: 0, name, raw: undefined, bytes };
}

/** Square raw pixels as a sample. */
export function rawSample(side: number, channels: number, bytes: Uint8Array): EncodedSample {
  return { index: 0, label: 0, name: 'raw', raw: { height: side, width: side, channels }, bytes };
}
