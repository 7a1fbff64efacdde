/** @file A checkpoint gives back every bit, and damage, strangers and crashes are told apart. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { newestGoodCheckpoint } from '../../../../../shared/runs/checkpoint/choose.ts';
import { listCheckpoints } from '../../../../../shared/runs/checkpoint/layout.ts';
import { readCheckpoint } from '../../../../../shared/runs/checkpoint/read.ts';
import { pruneCheckpoints } from '../../../../../shared/runs/checkpoint/retention.ts';
import { writeCheckpoint } from '../../../../../shared/runs/checkpoint/write.ts';
import { readSafetensors } from '../../../../../shared/weights/formats/safetensors.ts';
import {
  common,
  expected,
  identity,
  newRunFolder,
  progress,
  storeAt,
  table,
} from '../../../../support/checkpoint-fixtures.ts';

const FILES = ['model.safetensors', 'optimizer.safetensors', 'state.json'];
const KEPT = join(import.meta.dirname, '../../../../fixtures/checkpoint-1/step-00000400');
let runFolder: string;
beforeEach(() => {
  runFolder = newRunFolder();
});

const write = (version: number) =>
  writeCheckpoint({ ...common, runFolder, store: storeAt(version) });
const listed = async () => (await listCheckpoints(runFolder)).map(({ step }) => step);

describe('a checkpoint', () => {
  it('gives back the bits, the moments and the progress', async () => {
    const store = storeAt(400);
    const saved = await write(400);
    expect(basename(saved.folder)).toBe('step-00000400');
    expect(readdirSync(saved.folder).sort()).toEqual(FILES);
    const loaded = await readCheckpoint(saved.folder, expected);
    expect(loaded).toEqual({
      ...saved,
      seconds: 0,
      parameters: store.parameters,
      state: store.state,
      progress,
    });
    expect(loaded.parametersSha256).toBe(await store.sha256());
  });

  it('is read into memory that is given, and not copied from there', async () => {
    const saved = await write(400);
    const rooms: Uint8Array[] = [];
    const room = (numBytes: number) => {
      rooms.push(new Uint8Array(new SharedArrayBuffer(numBytes + 64), 64, numBytes));
      return rooms.at(-1)!;
    };
    const loaded = await readCheckpoint(saved.folder, { ...expected, beginTry: () => room });
    expect(loaded).toEqual(await readCheckpoint(saved.folder, expected));
    const [model, optimizer] = rooms.map(({ buffer }) => buffer);
    expect(loaded.parameters.buffer).toBe(model);
    for (const moment of Object.values(loaded.state)) expect(moment.buffer).toBe(optimizer);
  });

  it('of the first format is read for ever: a kept one gives back its bits', async () => {
    const store = storeAt(400);
    const loaded = await readCheckpoint(KEPT, expected);
    expect([loaded.step, loaded.parameters, loaded.state]).toEqual([
      400,
      store.parameters,
      store.state,
    ]);
    expect(loaded.progress).toEqual(progress);
  });

  it.each([
    ['model.safetensors', (store: ReturnType<typeof storeAt>) => store.parameters],
    ['optimizer.safetensors', (store: ReturnType<typeof storeAt>) => store.state['secondMoment']!],
  ])('of a run that diverged is passed over, naming %s and the tensor', async (file, vectorOf) => {
    await write(3);
    const store = storeAt(4);
    vectorOf(store)[1] = Number.NEGATIVE_INFINITY;
    const { folder } = await writeCheckpoint({ ...common, runFolder, store });
    const { checkpoint, skipped } = await newestGoodCheckpoint(runFolder, expected);
    expect(checkpoint?.step).toBe(3);
    expect(skipped).toEqual([
      { folder, code: 'NON_FINITE', reason: expect.stringContaining(join(folder, file)) },
    ]);
    expect(skipped[0]?.reason).toMatch(/: (cls_token|secondMoment) holds -Infinity$/);
  });

  it('of a format that this version does not know is refused by its name', async () => {
    const { folder } = await write(7);
    const path = join(folder, 'state.json');
    const { crc32: _, ...state } = JSON.parse(readFileSync(path, 'utf8'));
    const content = { ...state, schema: 'checkpoint/9' };
    writeFileSync(path, JSON.stringify({ ...content, crc32: crc32(JSON.stringify(content)) }));
    await expect(readCheckpoint(folder, expected)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      sentence: expect.stringContaining('checkpoint/9'),
    });
  });

  it('keeps a progress without any evaluation, and an optimizer without moments', async () => {
    const none = { evaluation: undefined, best: undefined, seconds: 0 };
    const store = { ...storeAt(1), state: {} };
    const saved = await writeCheckpoint({ ...common, runFolder, store, progress: none });
    const loaded = await readCheckpoint(saved.folder, expected);
    expect([loaded.progress, loaded.state]).toStrictEqual([none, {}]);
  });

  it('holds a model that other tools can read', async () => {
    const { folder } = await write(3);
    const { tensors, metadata } = readSafetensors(readFileSync(join(folder, 'model.safetensors')));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(
      table.entries.map(({ name, shape }) => [name, shape]),
    );
    expect(metadata['format']).toBe('pt');
    expect(JSON.parse(metadata['tessera']!)).toMatchObject({
      step: 3,
      classes: ['pizza', 'steak'],
    });
  });

  it('replaces one of the same step', async () => {
    await write(7);
    const { folder } = await write(7);
    expect((await readCheckpoint(folder, expected)).step).toBe(7);
    expect(readdirSync(join(runFolder, 'checkpoints'))).toEqual(['step-00000007']);
  });
});

describe('damage', () => {
  it('is noticed wherever a bit flips', async () => {
    const { folder } = await write(400);
    for (const file of FILES) {
      const path = join(folder, file);
      const whole = readFileSync(path);
      for (let at = 0; at < whole.length; at += 7) {
        const flipped = Buffer.from(whole);
        flipped[at]! ^= 1 << (at % 8);
        if (isOnlyWhitespace(whole[at]!) && isOnlyWhitespace(flipped[at]!)) continue;
        writeFileSync(path, flipped);
        await expect(readCheckpoint(folder, expected), `${file} byte ${at}`).rejects.toMatchObject({
          code: 'CHECKPOINT_CORRUPT',
          message: expect.stringContaining(folder),
        });
      }
      writeFileSync(path, whole);
    }
    expect((await readCheckpoint(folder, expected)).step).toBe(400);
  });

  it.each(FILES)('is noticed when %s is cut short, foreign or missing', async (file) => {
    const { folder } = await write(400);
    const other = await write(500);
    truncateSync(join(folder, file), 100);
    await expect(readCheckpoint(folder, expected)).rejects.toThrow(/CHECKPOINT_CORRUPT/);
    copyFileSync(join(other.folder, file), join(folder, file));
    await expect(readCheckpoint(folder, expected)).rejects.toThrow(/CHECKPOINT_CORRUPT/);
    writeFileSync(join(folder, file), '{"hello": "world"}');
    await expect(readCheckpoint(folder, expected)).rejects.toThrow(/CHECKPOINT_CORRUPT/);
  });

  it('is skipped on the way to the newest whole checkpoint, and named', async () => {
    for (const version of [1, 2, 3]) await write(version);
    const [newest, second] = await listCheckpoints(runFolder);
    truncateSync(join(newest!.folder, 'model.safetensors'), 10);
    writeFileSync(join(second!.folder, 'state.json'), '');
    const { checkpoint, skipped } = await newestGoodCheckpoint(runFolder, expected);
    expect(checkpoint?.step).toBe(1);
    expect(skipped.map(({ folder }) => folder)).toEqual([newest!.folder, second!.folder]);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('model.safetensors has 10 bytes'),
      expect.stringContaining('state.json is not JSON'),
    ]);
  });

  it('of all there is leaves none', async () => {
    expect(await newestGoodCheckpoint(runFolder, expected)).toEqual({
      checkpoint: undefined,
      skipped: [],
    });
  });
});

describe('a checkpoint of something else', () => {
  it.each([
    [{ seed: 7, modelFingerprint: 'ab' }, 'seed: 42 in the checkpoint, 7 now'],
    [{ seed: 42, modelFingerprint: 'ab' }, 'modelFingerprint: nothing in the checkpoint, "ab" now'],
  ])('is refused by %j with a fingerprint only where nothing else differs', async (other, said) => {
    await write(400);
    const wanted = { table, identityJson: JSON.stringify({ ...identity, ...other }) };
    await expect(newestGoodCheckpoint(runFolder, wanted)).rejects.toMatchObject({
      sentence: expect.stringMatching(new RegExp(`it is of another run: ${said}$`)),
    });
  });

  it('is refused with the keys that differ', async () => {
    await write(400);
    const { training } = identity;
    const other = { seed: 7, training: { ...training, optimizer: { name: 'sgd', momentum: 0.9 } } };
    const wanted = { table, identityJson: JSON.stringify(other) };
    await expect(newestGoodCheckpoint(runFolder, wanted)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      sentence: expect.stringContaining(
        'seed: 42 in the checkpoint, 7 now; ' +
          'training.optimizer.name: "adamw" in the checkpoint, "sgd" now; ' +
          'training.optimizer.momentum: nothing in the checkpoint, 0.9 now',
      ),
      hint: expect.stringContaining('same config'),
    });
  });

  it.each([
    [
      'a tensor of another shape',
      { ...table.entries[1]!, shape: [3, 2] },
      /head\.weight has shape/,
    ],
    ['a tensor that is not there', { ...table.entries[1]!, name: 'neck' }, /neck is missing/],
  ])('is refused for %s', async (_, entry, sentence) => {
    const { folder } = await write(400);
    const entries = [table.entries[0]!, entry, table.entries[2]!];
    const wanted = { ...expected, table: { ...table, entries } };
    await expect(readCheckpoint(folder, wanted)).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      sentence: expect.stringMatching(sentence),
    });
  });

  it('is refused for tensors that the model has not', async () => {
    const { folder } = await write(400);
    const wanted = { ...expected, table: { entries: table.entries.slice(0, 2), size: 9 } };
    await expect(readCheckpoint(folder, wanted)).rejects.toThrow(/no tensor head\.bias/);
  });
});

describe('a write that fails', () => {
  it('leaves no checkpoint when a file is in the way', async () => {
    writeFileSync(join(runFolder, 'checkpoints'), '');
    await expect(write(1)).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
    expect(readdirSync(runFolder)).toEqual(['checkpoints']);
  });

  it('leaves what a crash left out of the list, and clears it away next time', async () => {
    const half = join(runFolder, 'checkpoints/.step-00000009.new-999999999-0123456789ab');
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'model.safetensors'), 'half');
    expect(await listed()).toEqual([]);
    await write(10);
    expect(await listed()).toEqual([10]);
    expect(existsSync(half)).toBe(false);
  });
});

describe('pruning', () => {
  it.each([
    [2, undefined, undefined, [50, 40]],
    [2, 20, undefined, [50, 40, 20]],
    [2, 50, undefined, [50, 40]],
    [9, undefined, undefined, [50, 40, 30, 20, 10]],
    [1, 10, 30, [50, 40, 30, 10]],
  ])('keeps the last %i, the best (%s), and those beyond %s', async (keep, best, newest, left) => {
    for (const version of [10, 20, 30, 40, 50]) await write(version);
    await pruneCheckpoints(runFolder, {
      keep,
      bestStep: best,
      ...(newest !== undefined && { newestStep: newest }),
    });
    expect(await listed()).toEqual(left);
    expect(readdirSync(join(runFolder, 'checkpoints'))).toHaveLength(left.length);
  });
});

/** Between JSON's tokens, one white space is as good as another. */
function isOnlyWhitespace(byte: number): boolean {
  return [0x20, 0x0a, 0x0d, 0x09].includes(byte);
}

describe('a checkpoint of a run that averages its weights', () => {
  it('has the average as its model, and gives back both', async () => {
    const store = storeAt(400);
    const average = store.parameters.map((value, i) => (i < 3 ? value : value / 2));
    const source = { ...store, table, version: 400, average, frozen: 3 };
    const moments = Object.fromEntries(
      Object.entries(store.state).map(([name, values]) => [name, values.slice(3)]),
    );
    const { folder } = await writeCheckpoint({
      ...common,
      runFolder,
      store: { ...source, state: moments },
    });
    const read = await readCheckpoint(folder, { ...expected, frozen: 3 });
    expect(read.average).toEqual(average);
    expect(read.parameters).toEqual(store.parameters);
    expect(read.state).toEqual(moments);
  });
});
