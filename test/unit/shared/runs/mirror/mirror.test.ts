/** @file Checkpoints go to an object store and come back byte by byte, through faults; what is not whole is never taken. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TesseraError } from '../../../../../shared/core/errors.ts';
import type { ObjectStore } from '../../../../../shared/objects/store.ts';
import { checkpointFolder } from '../../../../../shared/runs/checkpoint/layout.ts';
import { writeCheckpoint } from '../../../../../shared/runs/checkpoint/write.ts';
import { copyCheckpoint } from '../../../../../shared/runs/mirror/copy.ts';
import { restoreRun } from '../../../../../shared/runs/mirror/restore.ts';
import {
  common,
  newRunFolder,
  progress,
  storeAt,
} from '../../../../support/checkpoint-fixtures.ts';
import { randomFaults, serveFaults } from '../../../../support/fault-proxy.ts';
import { clientOf, serveObjects, type TestObjectStore } from '../../../../support/object-store.ts';

/** A run folder with a config, records and a compiled program. */
function newRun(): string {
  const runFolder = newRunFolder();
  onTestFinished(() => rmSync(runFolder, { recursive: true }));
  writeFileSync(join(runFolder, 'config.json'), '{"name":"small"}');
  writeFileSync(join(runFolder, 'identity.json'), '{}');
  writeFileSync(join(runFolder, 'metrics.jsonl'), '{"type":"step"}\n');
  mkdirSync(join(runFolder, 'executables'));
  writeFileSync(join(runFolder, 'executables', 'ab12'), 'program');
  return runFolder;
}

async function save(
  runFolder: string,
  step: number,
  best: number | undefined = step,
  identityJson = common.identityJson,
) {
  const now = {
    ...progress,
    best: best === undefined ? undefined : { ...progress.best, version: best },
  };
  const saved = await writeCheckpoint({
    ...common,
    identityJson,
    runFolder,
    store: storeAt(step),
    progress: now,
  });
  return { step, folder: saved.folder };
}

async function objectStore(options = {}): Promise<TestObjectStore> {
  const server = await serveObjects(options);
  onTestFinished(() => server.close());
  return server;
}

function restore(store: ObjectStore, runFolder: string, said: string[] = []) {
  return restoreRun({
    store,
    runFolder,
    refuse: async () => {},
    onSkip: (text) => said.push(text),
  });
}

function filesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path.slice(folder.length), readFileSync(path, 'base64')];
      }),
  );
}

describe('a mirror', () => {
  it('has the newest and the best checkpoint, and an empty folder gets every byte of both', async () => {
    const server = await objectStore();
    const store = clientOf(server.url);
    const run = newRun();
    await save(run, 200);
    const due = await save(run, 400, 200);
    expect(await copyCheckpoint(due, { store, runFolder: run, keep: 1 })).toMatchObject({
      step: 400,
    });
    const puts = server.asked.filter((line) => line.startsWith('PUT'));
    expect(puts.at(-1)).toBe('PUT digits/one/step-00000400/manifest.json');
    expect(puts.indexOf('PUT digits/one/step-00000200/manifest.json')).toBeGreaterThan(0);
    const there = newRun();
    rmSync(there, { recursive: true });
    expect(await restore(store, there)).toMatchObject({ step: 400 });
    expect(filesOf(there)).toEqual(filesOf(run));
    // What is there is not sent again.
    expect(await copyCheckpoint(due, { store, runFolder: run, keep: 1 })).toMatchObject({
      bytes: 0,
    });
  });

  it('keeps what the run folder keeps, and leaves alone what is not its own', async () => {
    const server = await objectStore();
    const store = clientOf(server.url);
    const run = newRun();
    server.objects.set('digits/one/notes.txt', Buffer.from('mine'));
    server.objects.set('digits/one/step-00000001/model.safetensors', Buffer.from('half'));
    server.objects.set('digits/other/step-00000001/manifest.json', Buffer.from('{}'));
    for (const step of [1, 2, 3, 4]) {
      await copyCheckpoint(await save(run, step, Math.min(step, 2)), {
        store,
        runFolder: run,
        keep: 1,
      });
    }
    const names = [...server.objects.keys()];
    const steps = names.filter((name) => name.endsWith('manifest.json')).sort();
    expect(steps).toEqual(
      ['one/step-00000002', 'one/step-00000004', 'other/step-00000001'].map(
        (one) => `digits/${one}/manifest.json`,
      ),
    );
    expect(names).toContain('digits/one/notes.txt');
    expect(names).not.toContain('digits/one/step-00000001/model.safetensors');
  });

  it('passes over what is not whole, with words', async () => {
    const server = await objectStore();
    const store = clientOf(server.url);
    const run = newRun();
    for (const step of [1, 2, 3]) {
      await copyCheckpoint(await save(run, step), { store, runFolder: run, keep: 3 });
    }
    // Of the newest an upload was cut before its manifest, of the next one bytes have rotted.
    server.objects.delete('digits/one/step-00000003/manifest.json');
    const rotten = server.objects.get('digits/one/step-00000002/optimizer.safetensors');
    rotten?.writeUInt8((rotten.readUInt8(9) ?? 0) ^ 1, 9);
    const there = join(newRunFolder(), 'there');
    const said: string[] = [];
    expect(await restore(clientOf(server.url, 'digits/one', 2), there, said)).toMatchObject({
      step: 1,
    });
    expect(said.join()).toMatch(
      /step 2 of .* is passed over: .*optimizer.* is not what was put there/,
    );
    expect(readdirSync(join(there, 'checkpoints'))).toEqual(['step-00000001']);
    server.objects.delete('digits/one/step-00000001/state.json');
    await expect(restore(store, join(there, 'again'))).rejects.toThrow(
      /none of the 2 checkpoints .* is whole/,
    );
  });

  it('of another run is refused both ways, and nothing there changes', async () => {
    const server = await objectStore();
    const store = clientOf(server.url);
    const [ours, theirs] = [newRun(), newRun()];
    await copyCheckpoint(await save(theirs, 9, 9, '{"seed":7}'), {
      store,
      runFolder: theirs,
      keep: 1,
    });
    const before = new Map(server.objects);
    const copying = copyCheckpoint(await save(ours, 10), { store, runFolder: ours, keep: 1 });
    await expect(copying).rejects.toThrow(
      /\[CHECKPOINT_MISMATCH\] s3:\/\/runs\/digits\/one holds another run/,
    );
    expect(server.objects).toEqual(before);
    const there = join(newRunFolder(), 'there');
    const refuse = async () => {
      throw new TesseraError('CHECKPOINT_MISMATCH', 'seed');
    };
    await expect(restoreRun({ store, runFolder: there, refuse })).rejects.toThrow('seed');
    expect(() => readdirSync(there)).toThrow('ENOENT');
  });

  it('copies a checkpoint that is removed meanwhile', async () => {
    const server = await objectStore();
    const run = newRun();
    const due = await save(run, 5);
    const removing = await serveFaults(server.url, (number) => {
      // Its files are open by the third request.
      if (number === 2) rmSync(due.folder, { recursive: true });
      return 'none';
    });
    onTestFinished(() => removing.close());
    const store = clientOf(removing.url);
    await copyCheckpoint(due, { store, runFolder: run, keep: 1 });
    expect(await restore(store, join(newRunFolder(), 'there'))).toMatchObject({ step: 5 });
  });

  it.each([1, 3])('is whole through faults, or not there (seed %i)', async (seed) => {
    const server = await objectStore({ hasTags: seed !== 3 });
    const proxy = await serveFaults(server.url, randomFaults(seed, 0.35));
    onTestFinished(() => proxy.close());
    const store = clientOf(proxy.url, 'digits/one', 12);
    const run = newRun();
    for (const step of [1, 2]) {
      await copyCheckpoint(await save(run, step), { store, runFolder: run, keep: 1 });
    }
    const there = join(newRunFolder(), 'there');
    expect(await restore(store, there)).toMatchObject({ step: 2 });
    expect(filesOf(checkpointFolder(there, 2))).toEqual(filesOf(checkpointFolder(run, 2)));
    const { none, ...faults } = proxy.counts;
    expect(Object.values(faults).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(5);
    expect(none).toBeGreaterThan(0);
  });
});
