/** @file Runs by path, name and beginning; in the order they began; at work; ended, and asked for after that. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { removeRuns } from '../../../cli/runs/remove.ts';
import { listRuns, showRun } from '../../../cli/runs/runs.ts';
import { endLines, endOf, listLines } from '../../../cli/runs/runs-view.ts';
import { runStatus } from '../../../cli/status/status.ts';
import { runStop } from '../../../cli/stop/stop.ts';
import { type Disk, machineDisk } from '../../../shared/files/disk.ts';
import { takeLock } from '../../../shared/runs/lock/lock.ts';
import { lockRun, removeRun } from '../../../shared/runs/lock/run-lock.ts';
import {
  findRun,
  lastStartedRun,
  newestRunFolder,
  runStamp,
} from '../../../shared/runs/reader/find.ts';
import { readMetrics } from '../../../shared/runs/reader/metrics.ts';
import { readRun, readRuns } from '../../../shared/runs/reader/read.ts';
import { findModel } from '../../../tools/inference/read/find-model.ts';
import { askedBy } from '../../../tools/operator/ask.ts';
import { smallConfig } from '../../support/config.ts';
import { printedBy } from '../../support/printed.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-runs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const CONFIG = JSON.stringify(smallConfig({}));

/** A run in a folder of runs; records get a time each, by their seconds after noon. */
function aRun(
  path: string,
  records: readonly (readonly [seconds: number, record: object])[] = [],
  files: Readonly<Record<string, string>> = {},
): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  const lines = records.map(([seconds, record]) => {
    const time = new Date(Date.UTC(2026, 0, 1, 12) + seconds * 1000).toISOString();
    return `${JSON.stringify({ time, ...record })}\n`;
  });
  const all = { 'config.json': CONFIG, address: '', 'metrics.jsonl': lines.join(''), ...files };
  for (const [file, text] of Object.entries(all)) writeFileSync(join(folder, file), text);
  return folder;
}

const step = (number: number) => ({
  type: 'step',
  ...{ step: number, epoch: 1, loss: 1, accuracy: 0.5 },
  ...{ learningRate: 1, gradientNorm: 1, imagesPerSecond: 1 },
});
const joined = (workers: number) => ({ type: 'worker', worker: 'w', what: 'joined', workers });
const phase = (name: string, reason = '') => ({ type: 'phase', phase: name, reason });

describe('a run that is asked for', () => {
  const runs = join(root, 'named');
  const names = ['digits-20260101-120000', 'digits-20260102-120000', 'digits-big-20260103-120000'];
  for (const name of names) aRun(join('named', name));
  aRun('named/by-hand');
  mkdirSync(join(runs, 'digits-20270101-120000'));

  it.each([
    ['its path', join(runs, 'by-hand'), 'by-hand'],
    ['its name', 'by-hand', 'by-hand'],
    ['the beginning of its name', 'digits-b', 'digits-big-20260103-120000'],
    ['a name that others begin with', names[0] as string, names[0] as string],
  ])('is found by %s', async (_what, text, entry) => {
    expect(await findRun(text, { runsFolder: runs })).toBe(join(runs, entry));
  });

  it('by a path comes before one of that name', async () => {
    const path = aRun('here');
    aRun(join('named', path));
    expect(await findRun(path, { runsFolder: runs })).toBe(path);
  });

  it('is not guessed among several: all are named', async () => {
    await expect(findRun('digits-2026', { runsFolder: runs })).rejects.toMatchObject({
      code: 'USAGE',
      sentence: `2 runs have names that begin with digits-2026: ${names[1]}, ${names[0]}`,
    });
  });

  it('that is none is refused', async () => {
    await expect(findRun('letters', { runsFolder: runs })).rejects.toMatchObject({ code: 'USAGE' });
    const empty = join(runs, 'digits-20270101-120000');
    await expect(findRun(empty, { runsFolder: runs })).rejects.toThrow(`${empty} holds no run`);
    await expect(findRun('', { runsFolder: runs })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('is the newest without a word, of a name where one is given', async () => {
    const later = new Date(Date.UTC(2026, 0, 2, 12, 0, 1));
    utimesSync(join(runs, 'by-hand/config.json'), later, later);
    expect(await findRun(undefined, { runsFolder: runs })).toBe(
      join(runs, 'digits-big-20260103-120000'),
    );
    expect(await newestRunFolder('digits', { runsFolder: runs })).toBe(
      join(runs, names[1] as string),
    );
    await expect(newestRunFolder('none', { runsFolder: runs })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('for its status is the one that was started last, goes on or not', async () => {
    const others = join(root, 'started');
    for (const [entry, second] of [
      ['a-20260101-120000', 9],
      ['b-20260102-120000', 5],
    ] as const) {
      utimesSync(join(aRun(join('started', entry)), 'address'), second, second);
    }
    expect(await lastStartedRun({ runsFolder: others })).toBe(join(others, 'a-20260101-120000'));
    await expect(lastStartedRun({ runsFolder: join(root, 'nowhere') })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it.each([
    ['a-20260101-120000', { of: 'a', timeMs: Date.UTC(2026, 0, 1, 12), number: 1 }],
    ['a-b-20260101-120000-2', { of: 'a-b', timeMs: Date.UTC(2026, 0, 1, 12), number: 2 }],
    ['a-20261301-120000', undefined],
    ['a', undefined],
  ])('%s has the stamp %j', (name, stamp) => expect(runStamp(name)).toEqual(stamp));
});

describe('a model that is asked for', () => {
  it('may be weights by their name in the catalogue, or a path, and is left as it is otherwise', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
    await expect(findModel('vit_l_32')).rejects.toMatchObject({
      code: 'DATA_INVALID',
      hint: expect.stringContaining('weights get vit_l_32'),
    });
    const path = join(root, 'cache/tessera/weights/vit_l_32-c7638314.pth');
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
    expect(await findModel('vit_l_32')).toEqual({ path, by: 'catalog' });
    expect(await findModel(path)).toEqual({ path, by: 'given' });
    expect((await findModel('./no-such-model')).path).toBe('./no-such-model');
    await expect(findModel('no-such-model')).rejects.toMatchObject({
      sentence: 'there is no file, folder or run no-such-model',
      hint: expect.stringMatching(/runs list.*weights get --list/),
    });
    vi.unstubAllEnvs();
  });
});

describe('the list', () => {
  it('has the newest run first, one without a step and those of one second too', async () => {
    for (const entry of ['a-20260103-120000', 'a-20260103-120000-2', 'a-20260103-120000-10']) {
      aRun(join('listed', entry));
    }
    aRun('listed/b-20260102-120000');
    aRun('listed/old', [[0, step(1)]]);
    const runs = await readRuns(join(root, 'listed'));
    expect(runs.map(({ name }) => name)).toEqual([
      ...['a-20260103-120000-10', 'a-20260103-120000-2', 'a-20260103-120000'],
      ...['b-20260102-120000', 'old'],
    ]);
    const [, first = ''] = listLines(runs, Date.UTC(2026, 0, 3, 12, 0, 9));
    expect(first).toMatch(/^a-20260103-120000-10 .* 9s$/);
  });

  it('does not take an export for a run, and removes none', async () => {
    const folder = join(root, 'listed/vit-food');
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), '{"model_type":"vit"}');
    const runsFolder = join(root, 'listed');
    await expect(removeRuns({ names: ['vit-food'], runsFolder, yes: true })).rejects.toMatchObject({
      code: 'USAGE',
    });
    await expect(showRun({ name: 'vit', runsFolder })).rejects.toMatchObject({ code: 'USAGE' });
    expect(readdirSync(folder)).toEqual(['config.json']);
  });
});

describe('runs that are removed', () => {
  it('go each for itself: those that stay are said, and fail the command', async () => {
    const runsFolder = join(root, 'removed');
    for (const name of ['one', 'two', 'three']) aRun(join('removed', name));
    const lock = await takeLock(join(runsFolder, 'two/coordinator.lock'));
    let said = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
      said += String(part);
      return true;
    });
    const names = ['none', 'two', 'one', 'one', 'three'];
    const removal = removeRuns({ names, runsFolder, yes: true });
    await expect(removal).rejects.toMatchObject({
      code: 'USAGE',
      sentence: '2 of 5 runs were not removed',
    });
    expect(said).toContain('none stays: there is no run none');
    expect(said).toMatch(/two stays: .*two\/coordinator\.lock is held by process/);
    expect(readdirSync(runsFolder)).toEqual(['two']);
    await lock.release();
    expect(readdirSync(join(runsFolder, 'two')).sort()).toEqual([
      ...['address', 'config.json', 'metrics.jsonl'],
    ]);
  });

  it('are held meanwhile, so that none begins in them, and then leave nothing', async () => {
    const folder = aRun('held-and-removed');
    let refusal: unknown;
    const disk: Disk = {
      ...machineDisk,
      async rename(from, to) {
        refusal = await takeLock(join(folder, 'coordinator.lock')).catch((error) => error);
        await machineDisk.rename(from, to);
      },
    };
    await removeRun(folder, {}, disk);
    expect(refusal).toMatchObject({
      code: 'RUN_IN_USE',
      sentence: expect.stringContaining('(runs rm)'),
      hint: 'the run is being removed',
    });
    expect(readdirSync(root).filter((name) => name.includes('held-and-removed'))).toEqual([]);
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
      sentence: expect.stringContaining('is gone: it was removed or renamed'),
    });
  });

  it('stay as they were, without a lock, where that fails', async () => {
    const folder = aRun('stays');
    const rename = () => Promise.reject(Object.assign(new Error('busy'), { code: 'EBUSY' }));
    await expect(removeRun(folder, {}, { ...machineDisk, rename })).rejects.toMatchObject({
      code: 'CANNOT_WRITE',
    });
    expect(readdirSync(folder)).not.toContain('coordinator.lock');
  });
});

describe('time at work', () => {
  const hour = 3600;
  const data = { type: 'data', sentence: '' };
  it.each([
    [
      'of one process',
      [
        [0, data],
        [2, joined(1)],
        [12, step(1)],
      ],
      12,
    ],
    [
      'leaves out what lies between a kill and a resume',
      [
        [0, data],
        [10, step(1)],
        [hour, data],
        [hour + 5, step(1)],
      ],
      15,
    ],
    [
      'leaves out a start that came to nothing',
      [
        [0, data],
        [10, step(1)],
        [hour, data],
        [2 * hour, data],
        [2 * hour + 5, step(2)],
      ],
      15,
    ],
    [
      'counts a wait for workers who come back',
      [
        [0, data],
        [1, joined(1)],
        [2, { ...joined(0), what: 'lost' }],
        [9, joined(1)],
      ],
      9,
    ],
    [
      'knows a process of older versions by its workers, counted anew',
      [
        [0, joined(1)],
        [1, joined(2)],
        [10, step(1)],
        [hour, joined(1)],
        [hour + 5, step(1)],
      ],
      15,
    ],
    ['of nothing', [], 0],
  ] as const)('%s', async (what, records, seconds) => {
    const { workedSeconds } = await readMetrics(aRun(`worked/${what}`, records));
    expect(workedSeconds).toBe(seconds);
  });
});

const failed = phase('failed', 'why');
const data = {
  ...{ type: 'data', sentence: '', classes: [], size: {} },
  found: { from: {}, leftOut: [], notes: [] },
};
const end = (how: string, code: string, exit: number) =>
  [
    [5, { ...failed, code }],
    [5, { type: 'ended', how, code, exit, reason: 'why' }],
  ] as const;

describe('a run that has ended', () => {
  const records = [
    [0, step(1)],
    [4, step(2)],
  ] as const;
  it.each([
    ['done', [...records, [5, phase('done', 'all 2 steps are done')]], 'all 2 steps are done'],
    ['stopped', [...records, [5, phase('failed', 'stopped by SIGINT')]], 'stopped by SIGINT'],
    ['killed', records, /without a record, as after a kill/],
    ['stopped', [...records, ...end('stopped', 'CANCELLED', 130)], /^why$/],
    ['interrupted', [...records, ...end('interrupted', 'INTERRUPTED', 75)], /^why$/],
    ['failed', [...records, ...end('failed', 'NON_FINITE', 65)], /^why$/],
    // Of the versions before this one.
    ['interrupted', [...records, [5, { ...failed, code: 'INTERRUPTED' }]], /^why$/],
    ['failed', [...records, [5, { ...failed, code: 'DATA_INVALID' }]], /^why$/],
    // Another process went on with it, and left no record of its end.
    ['killed', [...records, ...end('stopped', 'CANCELLED', 130), [6, data]], /as after a kill/],
  ] as const)('is %s, and says why', async (state, lines, reason) => {
    const run = await readRun(aRun(`ended-${lines.length}-${reason}`, lines));
    expect(run.state).toBe(state);
    expect(endOf(run)).toMatch(reason);
    expect(endLines(run).join('\n')).toMatch(/Step: +2, epoch 1\/2/);
  });

  it('that failed is listed with its exit code, in JSON with its error code too', async () => {
    const runs = join(root, 'ends');
    aRun('ends/failed', [...records, ...end('failed', 'NON_FINITE', 65)]);
    aRun('ends/stopped', [...records, ...end('stopped', 'CANCELLED', 130)]);
    const list = await printedBy(() => listRuns({ runsFolder: runs }));
    expect(list).toMatch(/^failed +failed \(65\) +1\/2/m);
    expect(list).toMatch(/^stopped +stopped +1\/2/m);
    const { runs: all } = JSON.parse(
      await printedBy(() => listRuns({ runsFolder: runs, json: true })),
    );
    const ends = all.map(({ state, exit, code }: Record<string, unknown>) => [state, exit, code]);
    expect(ends.toSorted()).toEqual([
      ['failed', 65, 'NON_FINITE'],
      ['stopped', 130, 'CANCELLED'],
    ]);
  });

  it('is shown by `status` and told by `stop`, without a coordinator', async () => {
    const run = aRun('over-20260101-120000', [...records, [5, phase('done', 'all done')]]);
    expect(await printedBy(() => runStatus({ run }))).toMatch(/Phase: +done \(all done\)/);
    expect(JSON.parse(await printedBy(() => runStatus({ run, json: true })))).toMatchObject({
      schema: 'status/1',
      ...{ phase: 'done', step: 2, workers: [], runFolder: run, testAccuracy: null },
    });
    expect(JSON.parse(await printedBy(() => runStop({ run, json: true })))).toMatchObject({
      ...{ schema: 'stop/1', state: 'done', step: 2 },
    });
  });
});

describe('the line that resumes a run', () => {
  const listening = (listen: string) => ({
    'config.json': JSON.stringify(smallConfig({ cluster: { listen } })),
  });
  it.each([
    ['has nothing but its folder', listening('127.0.0.1:0'), /--resume \S+$/m],
    ['has its credentials', { certs: '/certs/a b\n' }, /--resume \S+ --certs '\/certs\/a b'$/m],
    ['says what its start had to say', listening('0.0.0.0:1'), /--resume \S+ --insecure$/m],
  ])('%s', async (what, files, line) => {
    const name = aRun(`shown-${what.length}`, [[0, step(1)]], files);
    expect(await printedBy(() => showRun({ name, runsFolder: root }))).toMatch(line);
  });
});

describe('a run that goes on', () => {
  /** A run that this process holds, whose coordinator has credentials. */
  async function held(name: string, files: Readonly<Record<string, string>>) {
    const folder = aRun(name, [], files);
    return { folder, lock: await takeLock(join(folder, 'coordinator.lock')) };
  }

  it('with credentials is asked with those of the operator, or says which flag is missing', async () => {
    const certs = join(root, 'certs');
    const files = { address: '127.0.0.1:1\n', certs: `${join(certs, 'coordinator')}\n` };
    const { folder, lock } = await held('secret', files);
    await expect(askedBy({ run: folder })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      sentence: expect.stringContaining(join(certs, 'operator')),
      hint: expect.stringContaining('--certs FOLDER'),
    });
    mkdirSync(join(certs, 'operator'), { recursive: true });
    writeFileSync(join(certs, 'operator/tls.key'), '');
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(askedBy({ run: folder })).rejects.toThrow(/operator\/ca\.crt/);
    const { question } = await askedBy({ run: folder, insecure: true });
    expect(question).toMatchObject({ address: '127.0.0.1:1', insecure: true });
    await lock.release();
  });

  it('is asked where its folder says, on all addresses on this machine', async () => {
    const { folder, lock } = await held('plain', { address: '0.0.0.0:7\n' });
    const { question } = await askedBy({ run: folder });
    expect(question).toMatchObject({ address: '127.0.0.1:7', security: undefined });
    expect((await askedBy({ run: '10.0.0.1:50051' })).question?.address).toBe('10.0.0.1:50051');
    await lock.release();
  });

  it('is running, and is not removed, although its metrics end in "done": it was resumed', async () => {
    const folder = aRun('again', [[0, phase('done')]]);
    expect((await readRun(folder)).state).toBe('done');
    const lock = await takeLock(join(folder, 'coordinator.lock'));
    expect((await readRun(folder)).state).toBe('running');
    const removal = removeRuns({ names: [folder], runsFolder: root, yes: true });
    await expect(removal).rejects.toMatchObject({
      code: 'RUN_IN_USE',
      sentence: expect.stringContaining(`is held by process ${process.pid}`),
    });
    await lock.release();
    expect((await readRun(folder)).state).toBe('done');
  });

  it('and does not say yet where, is not called ended', async () => {
    const { folder, lock } = await held('young', {});
    await expect(askedBy({ run: folder })).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
    await lock.release();
  });
});
