/** @file A dead run whose port somebody else has is dead: silence of a occupant is no sign of life. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createWeb } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { endOf } from '../../../../../cli/runs/runs-view.ts';
import { serveCoordinator } from '../../../../../coordinator/service/service.ts';
import { createLog } from '../../../../../shared/machine/log.ts';
import { takeLock } from '../../../../../shared/runs/lock/lock.ts';
import { readRun } from '../../../../../shared/runs/reader/read.ts';
import { Neighbours } from '../../../../../shared/runs/reader/run-signs.ts';
import { askedBy, askStatus, askToStop } from '../../../../../tools/operator/ask.ts';
import { smallConfig } from '../../../../support/config.ts';
import { LIMITS, NotingPort } from '../../../../support/loopback.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-signs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function listening(server: Server): Promise<string> {
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A coordinator of the run in a folder. */
class PortOf extends NotingPort {
  readonly #runFolder: string;
  constructor(runFolder: string) {
    super();
    this.#runFolder = runFolder;
  }
  override status() {
    return { ...super.status(), run: 'other', runFolder: this.#runFolder };
  }
}

async function coordinatorOf(runFolder: string): Promise<{ address: string; port: PortOf }> {
  const port = new PortOf(runFolder);
  const log = createLog({ component: 'test', level: 'off' });
  const server = await serveCoordinator(port, log, { listen: '127.0.0.1:0', limits: LIMITS });
  onTestFinished(() => server.stop(0));
  return { address: server.address, port };
}

function aRun(name: string, address: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(smallConfig({})));
  writeFileSync(join(folder, 'metrics.jsonl'), '');
  writeFileSync(join(folder, 'address'), `${address}\n`);
  return folder;
}

it('a program that says nothing, or something else, is not the run', async () => {
  // All that they do is listen: the silent one costs the whole time for an answer.
  const silent = await listening(createServer());
  const web = await listening(createWeb((_, response) => response.end('hello')));
  for (const address of [silent, web]) {
    const run = await readRun(aRun('dead', address), new Neighbours());
    expect(run.state).toBe('killed');
    expect(endOf(run)).toMatch(`; ${address} is another program's port now`);
  }
  const run = await readRun(aRun('dead', '127.0.0.1:1'), new Neighbours());
  expect([run.state, run.occupant]).toEqual(['killed', undefined]);
});

it('all questions together have one time: after it nobody is asked', async () => {
  let calls = 0;
  const silent = await listening(createServer(() => (calls += 1)));
  const spent = new Neighbours(0);
  expect(await spent.at(silent, root)).toEqual({ isOwn: false, occupant: undefined });
  expect(calls).toBe(0);
});

it('another run is not it, whatever its folder is called; it is itself, however it is reached', async () => {
  const other = await coordinatorOf(join(root, 'elsewhere/same-name'));
  const dead = await readRun(aRun('same-name', other.address));
  expect(dead.state).toBe('killed');
  expect(dead.occupant).toMatch(/is the address of another run now \(other, in .*elsewhere/);
  const { address } = await coordinatorOf(join(root, 'alive'));
  const alive = aRun('alive', address);
  symlinkSync(alive, join(root, 'link'));
  expect((await readRun(alive)).state).toBe('running');
  expect((await readRun(join(root, 'link'))).state).toBe('running');
});

it('another run at its address is neither shown nor stopped in its place', async () => {
  const { address, port } = await coordinatorOf(join(root, 'elsewhere'));
  const run = aRun('held', address);
  const lock = await takeLock(join(run, 'coordinator.lock'));
  onTestFinished(() => lock.release());
  const asked = await askedBy({ run });
  if (asked.question === undefined) throw new Error('it is held');
  const refusal = { code: 'COORDINATOR_UNREACHABLE', sentence: expect.stringContaining('another') };
  await expect(askStatus(asked)).rejects.toMatchObject(refusal);
  await expect(askToStop(asked, '')).rejects.toMatchObject(refusal);
  expect(port.calls).toEqual([]);
});

it('a coordinator whose lock is held and that is silent is there, not ended', async () => {
  const run = aRun('stopped', await listening(createServer()));
  const lock = await takeLock(join(run, 'coordinator.lock'));
  onTestFinished(() => lock.release());
  const asked = await askedBy({ run });
  if (asked.question === undefined) throw new Error('it is held');
  const soon = { ...asked, question: { ...asked.question, timeoutMs: 100 } };
  await expect(askStatus(soon)).rejects.toMatchObject({
    sentence: expect.stringMatching(/is there, but it does not answer at/),
    hint: expect.stringContaining(`process ${process.pid} on`),
  });
});
