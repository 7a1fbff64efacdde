/** @file Folders of new runs: one each, and none that a failed start leaves behind. */

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type StartOptions, startCoordinator } from '../../../../coordinator/start.ts';
import { loadConfig, settled } from '../../../../shared/config/load.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { createRunFolder, describeRun } from '../../../../shared/runs/run-folder.ts';

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

  /** Starts a coordinator at an address that another program has. */
  async function atTakenPort(options: Partial<StartOptions>) {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    let said = '';
    const loaded = await loadConfig('quickstart', { env: {} });
    const starting = startCoordinator({
      loaded: { ...loaded, config: settled(loaded.config) },
      listen: `127.0.0.1:${port}`,
      log: createLog({
        component: 'test',
        level: 'warn',
        destination: { write: (line) => (said += line) },
      }),
      signal: new AbortController().signal,
      ...options,
    });
    return { starting, address: `127.0.0.1:${port}`, said: () => said };
  }

  it('is what happens where the port is taken', async () => {
    const { starting } = await atTakenPort({ runFolder: join(root, 'taken/run') });
    await expect(starting).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    expect(existsSync(join(root, 'taken'))).toBe(false);
  });

  it('is not where a run goes on whose port another has, as of a copy: it takes a free one, and says so', async () => {
    const folder = join(root, 'copied');
    await described((await createRunFolder('a', folder)).folder);
    const stop = new AbortController();
    const { starting, address, said } = await atTakenPort({ resume: folder, signal: stop.signal });
    const running = await starting;
    expect(running.address).not.toBe(address);
    expect(said()).toContain(`${address}, where this run was, is in use`);
    stop.abort();
    await expect(running.finished).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
