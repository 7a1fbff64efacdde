/** @file Folders of new runs: one each, and none that a failed start leaves behind. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRunFolder, describeRun } from '../../../coordinator/run-folder.ts';
import { startCoordinator } from '../../../coordinator/start.ts';
import { loadConfig } from '../../../shared/config/load.ts';
import { createLog } from '../../../shared/host/log.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-run-folder-'));
afterAll(() => rmSync(root, { recursive: true }));

const described = (runFolder: string, certs?: string) =>
  describeRun({ runFolder, configJson: '{}', beginning: '{}', address: '127.0.0.1:1', certs });

describe('a new run', () => {
  it('has a folder of its own, also where several begin in one second', async () => {
    const now = new Date(Date.UTC(2026, 0, 1, 12));
    const runsFolder = join(root, 'same');
    const made = await Promise.all(
      Array.from({ length: 3 }, () => createRunFolder('a', undefined, { now, runsFolder })),
    );
    expect(made.map(({ folder }) => folder).sort()).toEqual(
      ['a-20260101-120000', 'a-20260101-120000-2', 'a-20260101-120000-3'].map((name) =>
        join(runsFolder, name),
      ),
    );
  });

  it('says where its credentials are, as long as it has some', async () => {
    const { folder } = await createRunFolder('a', join(root, 'certified'));
    await described(folder, 'certs/coordinator');
    expect(readdirSync(folder).sort()).toEqual([
      'address',
      'certs',
      'config.json',
      'identity.json',
    ]);
    await described(folder);
    expect(readdirSync(folder).sort()).toEqual(['address', 'config.json', 'identity.json']);
  });
});

describe('a start that is taken back', () => {
  it('leaves no folder that it made', async () => {
    const { folder, undo } = await createRunFolder('a', join(root, 'x/y/z'));
    await described(folder);
    writeFileSync(join(folder, 'metrics.jsonl'), '{"type":"data"}\n');
    await undo();
    expect(existsSync(join(root, 'x'))).toBe(false);
  });

  it('leaves what was there before, what others put there, and what was saved', async () => {
    mkdirSync(join(root, 'kept'));
    await (await createRunFolder('a', join(root, 'kept'))).undo();
    expect(existsSync(join(root, 'kept'))).toBe(true);
    const shared = await createRunFolder('a', join(root, 'kept/one'));
    writeFileSync(join(shared.folder, 'notes.txt'), '');
    await shared.undo();
    expect(readdirSync(shared.folder)).toEqual(['notes.txt']);
    const saved = await createRunFolder('a', join(root, 'kept/two'));
    writeFileSync(join(saved.folder, 'metrics.jsonl'), '{"type":"checkpoint"}\n');
    await saved.undo();
    expect(readdirSync(saved.folder)).toEqual(['metrics.jsonl']);
  });

  it('is what happens where the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as { port: number };
    const runFolder = join(root, 'taken/run');
    const starting = startCoordinator({
      loaded: await loadConfig('quickstart', { env: {} }),
      listen: `127.0.0.1:${port}`,
      runFolder,
      log: createLog({ component: 'test', level: 'fatal', destination: { write: () => {} } }),
      signal: new AbortController().signal,
      onEvent: () => {},
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect(existsSync(join(root, 'taken'))).toBe(false);
    server.close();
  });
});
