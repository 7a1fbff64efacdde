/** @file A data set that lives in a program, dark and light images, and a config that learns it in seconds. */
import type { RunConfigInput } from '../../shared/config/schema.ts';
import type { DataSource } from '../../shared/data/source.ts';

const SIDE = 8;

/** The data set and a config for `train(config, { dataSource })`. */
export function gradients(): { readonly config: RunConfigInput; readonly dataSource: DataSource } {
  const dataSource: DataSource = {
    classes: ['dark', 'light'],
    size: { train: 64, validation: 0, test: 16 },
    found: { from: {}, leftOut: [], notes: [] },
    label: (_split, index) => index % 2,
    name: (split, index) => `${split}#${index}`,
    listedBytes: () => SIDE * SIDE,
    bytes: async () => 0,
    read: async (split, index) => ({
      ...{ index, label: index % 2, name: `${split}#${index}` },
      raw: { height: SIDE, width: SIDE, channels: 1 },
      bytes: new Uint8Array(SIDE * SIDE).fill(index % 2 === 0 ? 20 : 200),
    }),
  };
  return {
    config: {
      name: 'shades',
      data: { source: 'program', channels: 1 },
      model: { imageSize: SIDE, patchSize: 4, width: 16, depth: 1, heads: 2, mlpWidth: 32 },
      training: {
        ...{ epochs: 2, batchSize: 16, microBatch: 8 },
        optimizer: { learningRate: 0.01 },
      },
    },
    dataSource,
  };
}
