/** @file What is too large for one file is several and an index: every bit comes back, and others read it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { newestGoodCheckpoint } from '../../../../../shared/runs/checkpoint/choose.ts';
import { loadModelFile, withModelFile } from '../../../../../shared/runs/checkpoint/model-file.ts';
import { readCheckpoint } from '../../../../../shared/runs/checkpoint/read.ts';
import { writeCheckpoint } from '../../../../../shared/runs/checkpoint/write.ts';
import { readShards } from '../../../../../shared/weights/files/shards.ts';
import { readSafetensors } from '../../../../../shared/weights/formats/safetensors.ts';
import { encodeShards } from '../../../../../shared/weights/formats/shards.ts';
import {
  common,
  expected,
  newRunFolder,
  storeAt,
  table,
} from '../../../../support/checkpoint-fixtures.ts';

const FILES = [
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'optimizer-00001-of-00002.safetensors',
  'optimizer-00002-of-00002.safetensors',
  'optimizer.safetensors.index.json',
  'state.json',
];
let runFolder: string;
beforeEach(() => {
  runFolder = newRunFolder();
});

const write = (version = 400, shardBytes = 36) =>
  writeCheckpoint({ ...common, runFolder, store: storeAt(version), shardBytes });

/** Prints the values of each tensor by the names of an index. */
const READER = `
import json, sys, os
from safetensors import safe_open
index = sys.argv[1]
names = json.load(open(index))["weight_map"]
for name, shard in names.items():
    with safe_open(os.path.join(os.path.dirname(index), shard), framework="np") as file:
        print(json.dumps([name, file.get_tensor(name).flatten().tolist()]))
`;
const python = spawnSync('python3', ['-c', 'import safetensors, numpy']);
if (python.status !== 0) process.stderr.write('skipped: python3 has no safetensors and numpy\n');

describe('a checkpoint in shards', () => {
  it('gives back every bit, and its files have the names of Hugging Face', async () => {
    const saved = await write();
    const store = storeAt(400);
    expect(readdirSync(saved.folder).sort()).toEqual(FILES);
    const loaded = await readCheckpoint(saved.folder, expected);
    expect([loaded.parameters, loaded.state]).toEqual([store.parameters, store.state]);
    const size = FILES.reduce(
      (sum, name) => sum + readFileSync(join(saved.folder, name)).length,
      0,
    );
    expect([saved.bytes, loaded.bytes]).toEqual([size, size]);
    const index = JSON.parse(readFileSync(join(saved.folder, FILES[2]!), 'utf8'));
    expect(index).toEqual({
      metadata: { total_size: 4 * table.size },
      weight_map: { cls_token: FILES[0], 'head.weight': FILES[0], 'head.bias': FILES[1] },
    });
  });

  it('is read as a model by its folder, its run and its index alike', async () => {
    const { folder } = await write();
    const byFolder = await loadModelFile(folder);
    expect(byFolder.modelPath).toBe(join(folder, 'model.safetensors.index.json'));
    const byIndex = await loadModelFile(byFolder.modelPath);
    expect(byIndex.parametersByName).toEqual(byFolder.parametersByName);
    expect(byIndex.metadata).toEqual(byFolder.metadata);
    expect(await withModelFile(runFolder, async (path) => path)).toBe(byFolder.modelPath);
    expect([...(await readShards(byFolder.modelPath)).tensors.keys()]).toEqual(
      table.entries.map(({ name }) => name),
    );
  });

  it.each(FILES)('is passed over when %s is damaged, cut short or not there', async (file) => {
    await write(300);
    const { folder } = await write();
    const path = join(folder, file);
    const whole = readFileSync(path);
    const flipped = Buffer.from(whole);
    flipped[whole.length - 3]! ^= 1;
    const harms = [
      () => writeFileSync(path, flipped),
      () => truncateSync(path, 10),
      () => rmSync(path),
    ];
    for (const harm of harms) {
      harm();
      const { checkpoint, skipped } = await newestGoodCheckpoint(runFolder, expected);
      expect([checkpoint?.step, skipped[0]?.code]).toEqual([300, 'CHECKPOINT_CORRUPT']);
      writeFileSync(path, whole);
    }
  });

  it('is refused in words by a version that knows no shards; whole files stay of the first format', async () => {
    const schemaOf = (folder: string) =>
      JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')).schema;
    expect(schemaOf((await write()).folder)).toBe('checkpoint/2');
    expect(schemaOf((await write(500, 1000)).folder)).toBe('checkpoint/1');
  });

  it('replaces a whole one of the same step, and no file of it stays', async () => {
    await write(400, 1000);
    const { folder } = await write();
    expect(readdirSync(folder).sort()).toEqual(FILES);
  });

  it.skipIf(python.status !== 0)("is read by Python's safetensors", async () => {
    const { folder } = await write();
    const index = join(folder, 'model.safetensors.index.json');
    const { stdout } = spawnSync('python3', ['-c', READER, index], { encoding: 'utf8' });
    const read = new Map<string, number[]>(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    const { parameters } = storeAt(400);
    for (const { name, offset, size } of table.entries) {
      expect(read.get(name)).toEqual([...parameters.subarray(offset, offset + size)]);
    }
  });
});

describe('shards', () => {
  const tensor = (name: string, size: number) => {
    const bytes = new Uint8Array(4 * size);
    return { name, dtype: 'F32' as const, shape: [size], bytes };
  };

  it('hold no more than they may, but a tensor that is larger has a file to itself', () => {
    const sizes = [3, 1, 9, 2, 2, 1];
    const tensors = sizes.map((size, place) => tensor(`t${place}`, size));
    const files = encodeShards('w.safetensors', tensors, { bytesMax: 16 });
    const held = files.slice(0, -1).map(({ pieces }) => {
      const { tensors: read } = readSafetensors(Buffer.concat(pieces));
      return [...read.keys()].join();
    });
    expect(held).toEqual(['t0,t1', 't2', 't3,t4', 't5']);
    expect(files.map(({ name }) => name)[0]).toBe('w-00001-of-00004.safetensors');
  });

  it('are one file by its own name where all fits, or nothing is there', () => {
    expect(encodeShards('w.safetensors', [tensor('a', 4)]).map(({ name }) => name)).toEqual([
      'w.safetensors',
    ]);
    expect(encodeShards('w.safetensors', []).length).toBe(1);
  });
});
