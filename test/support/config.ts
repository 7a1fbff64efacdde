/** @file A small sound config, as text, and a folder to write changed ones to. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';

export const SMALL = `name: small
data:
  source: mnist
  channels: 1
model:
  imageSize: 28
  patchSize: 7
  width: 16
  depth: 1
  heads: 2
training:
  epochs: 2
  batchSize: 32
  microBatch: 8
  optimizer:
    learningRate: 1.0e-3
`;

/** Writes a config file into a new folder and answers its path. */
export async function writeConfig(text: string | Uint8Array): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'tessera-config-')), 'run.yaml');
  await writeFile(path, text);
  return path;
}

/** The error of a promise that must reject with one of ours. */
export async function errorOf(promise: Promise<unknown>): Promise<TesseraError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof TesseraError) return thrown;
  throw new Error(`expected a TesseraError, got ${String(thrown)}`);
}

/** A sound config with the changes of a test. */
export function smallConfig(
  changes: {
    [Section in
      | 'data'
      | 'model'
      | 'training'
      | 'limits'
      | 'cluster'
      | 'compute'
      | 'exchange']?: object;
  },
): RunConfig {
  return configSchema.parse({
    name: 'small',
    data: { source: 'mnist', channels: 1, ...changes.data },
    model: { imageSize: 28, patchSize: 7, width: 16, depth: 1, heads: 2, ...changes.model },
    training: {
      epochs: 2,
      batchSize: 32,
      microBatch: 8,
      optimizer: { learningRate: 1e-3 },
      ...changes.training,
    },
    limits: { ...changes.limits },
    cluster: { ...changes.cluster },
    compute: { ...changes.compute },
    exchange: { ...changes.exchange },
  });
}
