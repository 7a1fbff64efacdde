/** @file A small run to save: three tensors, two moments, and what surrounds them. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../shared/config/schema.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { sha256OfBytes } from '../../shared/files/digest.ts';
import type { ParameterTable } from '../../shared/model/parameters.ts';
import type { CheckpointSource } from '../../shared/runs/checkpoint/write.ts';
import type { ModelMetadata } from '../../shared/runs/model-metadata.ts';

export const table: ParameterTable = {
  entries: [
    { name: 'cls_token', shape: [1, 1, 3], offset: 0, size: 3, decays: false, layer: 0 },
    { name: 'head.weight', shape: [2, 3], offset: 3, size: 6, decays: true, layer: 0 },
    { name: 'head.bias', shape: [2], offset: 9, size: 2, decays: false, layer: 0 },
  ],
  size: 11,
};

/** A store at `version`, with values that tell versions and tensors apart. */
export function storeAt(version: number): CheckpointSource {
  const vector = (first: number) =>
    Float32Array.from({ length: table.size }, (_, index) => first + version + index / 16);
  const parameters = vector(0);
  return {
    table,
    version,
    parameters,
    state: { firstMoment: vector(100), secondMoment: vector(200) },
    sha256: () => sha256OfBytes(new Uint8Array(parameters.buffer)),
  };
}

export const identity = { seed: 42, training: { batchSize: 32, optimizer: { name: 'adamw' } } };
const identityJson = JSON.stringify(identity);
export const expected = { table, identityJson };

export const metadata: ModelMetadata = {
  model: {
    imageSize: 8,
    channels: 3,
    patchSize: 4,
    numClasses: 2,
    width: 3,
    depth: 1,
    heads: 1,
    mlpWidth: 12,
  },
  classes: ['pizza', 'steak'],
  config: configSchema.parse({
    name: 'small',
    data: { source: 'image-folder', path: 'photos' },
    model: { imageSize: 8, patchSize: 4, width: 3, depth: 1, heads: 1 },
    training: { epochs: 1, batchSize: 32, microBatch: 8, optimizer: { learningRate: 0.001 } },
  }),
};

export const progress = {
  evaluation: { version: 400, epoch: 2, loss: Number.NaN, accuracy: 0.5 },
  best: { version: 200, epoch: 1, loss: 0.25, accuracy: 0.75 },
  seconds: 12.5,
};

export const common = { identityJson, metadata, progress, clock: systemClock };

export function newRunFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tessera-run-'));
}
