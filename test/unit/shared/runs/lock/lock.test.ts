/** @file Locks: held once, of the dead and of the living, of other containers and hosts, copied, renamed, half written. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { machineProcesses, type Processes } from '../../../../../shared/machine/processes.ts';
import { holderOf, takeLock } from '../../../../../shared/runs/lock/lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** A holder that lives touches its lock long before it is stale. */
const times = { touchMs: 10, staleMs: 2_000, halfMs: 50, lookMs: 5 };
/** For those that are never touched. */
const hasty = { ...times, staleMs: 50 };
const DEAD = JSON.stringify({ id: 'a', host: hostname(), pid: process.pid, started: '1' });
let numLocks = 0;
function newPath(): string {
  numLocks += 1;
  return join(folder, `lock-${numLocks}`);
}

/** Makes a file that old. */
function grow(path: string, ageMs: number): void {
  const then = new Date(Date.now() - ageMs);
  utimesSync(path, then, then);
}

it('is held once, and free again when it is released', async () => {
  const path = newPath();
  const lock = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({
    code: 'RUN_IN_USE',
    sentence: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
  });
  await lock.release();
  expect(existsSync(path)).toBe(false);
  await (await takeLock(path)).release();
});

it('of a process that died is taken over', async () => {
  const path = newPath();
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(path, JSON.stringify({ id: 'a', host: hostname(), pid, started: '1' }));
  const lock = await takeLock(path);
  expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
  await lock.release();
});

it('of a process whose number another has now is taken over', async () => {
  const path = newPath();
  writeFileSync(path, DEAD);
  await (await takeLock(path)).release();
});

it.each(['null', '{}', '[]'])('that holds %s has no holder', async (text) => {
  const path = newPath();
  writeFileSync(path, text);
  expect(await holderOf(path)).toBeUndefined();
});

it('that was half written is taken over once it is clear that it stays so', async () => {
  const path = newPath();
  writeFileSync(path, '{"id":');
  await (await takeLock(path, { times })).release();
});

it('with an id that is a path names no file by it', async () => {
  const path = newPath();
  const id = '/../../escaped';
  writeFileSync(path, JSON.stringify({ id, host: hostname(), pid: process.pid, started: '1' }));
  grow(path, 3_000);
  await (await takeLock(path)).release();
  expect(readdirSync(folder).filter((name) => name.includes('escaped'))).toEqual([]);
});

it('of a process that has ended, but whose parent has not looked yet, is taken over', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60']);
  onTestFinished(() => void parent.kill());
  const [said] = await once(parent.stdout, 'data');
  const pid = Number(said);
  const stat = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  await expect.poll(() => stat()[0]).toBe('Z');
  const path = newPath();
  writeFileSync(path, JSON.stringify({ id: 'a', host: hostname(), pid, started: stat()[19] }));
  await (await takeLock(path)).release();
});

it('of an older version on another host counts while it is touched', async () => {
  const path = newPath();
  writeFileSync(path, JSON.stringify({ id: 'a', host: 'elsewhere.invalid', pid: 1, started: '' }));
  expect(await holderOf(path)).toMatchObject({ host: 'elsewhere.invalid' });
  const touching = setInterval(() => grow(path, 0), 10);
  await expect(takeLock(path, { times })).rejects.toMatchObject({ code: 'RUN_IN_USE' });
  clearInterval(touching);
  grow(path, 31_000);
  expect(await holderOf(path)).toBeUndefined();
  await (await takeLock(path, { times })).release();
});

/** The processes of another container: the host's name is ours, and so are numbers of processes, which are others. */
function container(change: Partial<Processes['me']> = { table: 'pid:[2]' }): Processes {
  const me = { ...machineProcesses.me, mounts: 'mnt:[2]', started: '7', ...change };
  return { me, fateOf: () => 'dead' };
}

describe('of another container with the same host name, whose numbers of processes mean nothing here', () => {
  it.each([
    ['beside it', {}],
    ['on another host', { boot: 'another', table: machineProcesses.me.table }],
    ['where no machine tells its start', { boot: '', table: '' }],
  ])('%s, it is not stolen while its holder lives', async (_where, change) => {
    const path = newPath();
    const processes = container({ table: 'pid:[2]', ...change });
    const lock = await takeLock(path, { times, processes });
    expect(await holderOf(path)).toMatchObject({ pid: process.pid });
    await expect(takeLock(path, { times })).rejects.toMatchObject({
      code: 'RUN_IN_USE',
      sentence: expect.stringMatching(
        /is held by process \d+ in another container or on another host \(.+\), touched just now$/,
      ),
    });
    await lock.confirm();
    await lock.release();
  });

  it('it is taken once it was watched and not touched, and that is said', async () => {
    const path = newPath();
    await (await takeLock(path, { times, processes: container() })).keepStill();
    let said = '';
    const onWait = (sentence: string) => (said += sentence);
    const lock = await takeLock(path, { times: hasty, onWait });
    expect(said).toMatch(
      /another host \(.+\), touched 0 s ago: waiting up to 1 s to see whether that process lives$/,
    );
    await lock.release();
  });

  it.each(['is set back', 'is set forward'])(
    'it is judged rightly when a clock %s',
    async (how) => {
      const path = newPath();
      const lock = await takeLock(path, { times, processes: container() });
      const hour = how === 'is set back' ? -3_600_000 : 3_600_000;
      grow(path, hour);
      await expect(takeLock(path, { times })).rejects.toMatchObject({ code: 'RUN_IN_USE' });
      await lock.keepStill();
      grow(path, hour);
      expect(await holderOf(path)).toBeUndefined();
      await (await takeLock(path, { times: hasty })).release();
    },
  );

  it('it is waited for no longer than somebody wants to', async () => {
    const path = newPath();
    await (await takeLock(path, { times, processes: container() })).keepStill();
    const stop = new AbortController();
    const taking = takeLock(path, {
      signal: stop.signal,
      onWait: () => stop.abort(new Error('no')),
    });
    await expect(taking).rejects.toThrow('no');
  });
});

it('tells its holder when another has taken it', async () => {
  const path = newPath();
  const lock = await takeLock(path);
  rmSync(path);
  await lock.confirm();
  const other = await takeLock(path, { work: 'runs rm' });
  await expect(lock.confirm()).rejects.toMatchObject({
    sentence: expect.stringContaining(`process ${process.pid} (runs rm) on ${hostname()}`),
    hint: 'the run is being removed',
  });
  await lock.release();
  await other.confirm();
  await other.release();
});

it('is not made again by a holder that slept while another may have had it', async () => {
  const path = newPath();
  let wall = 0;
  const wallMs = () => {
    wall += times.staleMs;
    return wall;
  };
  const lock = await takeLock(path, { times, wallMs });
  rmSync(path);
  const lost = new Promise((resolve) =>
    lock.watch({ remade: () => resolve('remade'), lost: resolve }),
  );
  await expect(lock.confirm()).rejects.toMatchObject({ code: 'RUN_IN_USE' });
  expect(await lost).toBe('another process');
  await lock.release();
  expect(existsSync(path)).toBe(false);
});

describe('in a folder', () => {
  /** A folder whose lock a living process holds. */
  async function held() {
    const home = newPath();
    mkdirSync(home);
    const lock = await takeLock(join(home, 'lock'), { times });
    onTestFinished(() => lock.release());
    return { home, lock };
  }

  it('counts under a new name of that folder', async () => {
    const { home, lock } = await held();
    await lock.keepStill();
    renameSync(home, `${home}-renamed`);
    await expect(takeLock(join(`${home}-renamed`, 'lock'))).rejects.toMatchObject({
      code: 'RUN_IN_USE',
    });
    renameSync(`${home}-renamed`, home);
  });

  it.each([
    [
      'a copy',
      (from: string, to: string) => cpSync(from, to, { recursive: true, preserveTimestamps: true }),
    ],
    ['a copy of links', (from: string, to: string) => execFileSync('cp', ['-al', from, to])],
  ])('does not count in %s of it', async (_how, copy) => {
    const { home, lock } = await held();
    // A link shows when the other is touched, which counts as a sign of life.
    await lock.keepStill();
    copy(home, `${home}-copy`);
    const path = join(`${home}-copy`, 'lock');
    expect(await holderOf(path)).toBeUndefined();
    await (await takeLock(path)).release();
    expect(await holderOf(join(home, 'lock'))).toMatchObject({ pid: process.pid });
  });

  it('counts while it is touched where numbers of files tell nothing, as on a network disk', async () => {
    const { home, lock } = await held();
    const path = join(home, 'lock');
    await lock.keepStill();
    const text = JSON.parse(readFileSync(path, 'utf8'));
    const moved = { folder: '1:2', file: '1:3', isLasting: false };
    writeFileSync(path, JSON.stringify({ ...text, place: moved }));
    expect(await holderOf(path)).toMatchObject({ pid: process.pid });
    const touching = setInterval(() => grow(path, 0), 10);
    await expect(takeLock(path, { times })).rejects.toMatchObject({ code: 'RUN_IN_USE' });
    clearInterval(touching);
    await (await takeLock(path, { times: hasty })).release();
  });
});

it('whose place a folder has, or a link that leads nowhere, is refused in words', async () => {
  const hint = 'it is in the place of a lock: remove it';
  const path = newPath();
  mkdirSync(path);
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'CANNOT_WRITE', hint });
  await expect(holderOf(path)).rejects.toThrow('it is a folder, not a file');
  symlinkSync('nowhere', `${path}-link`);
  await expect(takeLock(`${path}-link`)).rejects.toMatchObject({ code: 'CANNOT_WRITE', hint });
  expect(await holderOf(`${path}-link`)).toBeUndefined();
});

it("that is too long for one is nobody's", async () => {
  const path = newPath();
  writeFileSync(path, `${DEAD.replace('"1"', '""')}${' '.repeat(2 ** 20)}`);
  grow(path, 3_000);
  expect(await holderOf(path)).toBeUndefined();
  await (await takeLock(path)).release();
});

it.each(['free', 'half written', 'stale'])(
  'is never held twice, and by one, when several take a %s one at once',
  async (was) => {
    for (let round = 0; round < 20; round += 1) {
      const path = newPath();
      if (was !== 'free') writeFileSync(path, was === 'stale' ? DEAD : '');
      if (was !== 'free') grow(path, 3_000);
      const taken = await Promise.allSettled(Array.from({ length: 4 }, () => takeLock(path)));
      const held = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(held).toHaveLength(1);
      await held[0]?.release();
    }
  },
);

it('is taken by one of many who want it at a time', async () => {
  const path = newPath();
  writeFileSync(path, '');
  grow(path, 3_000);
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('leaves nothing beside itself', async () => {
  const path = newPath();
  writeFileSync(path, DEAD);
  const lock = await takeLock(path);
  await takeLock(path).catch(() => {});
  expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toEqual([
    basename(path),
  ]);
  await lock.release();
});
