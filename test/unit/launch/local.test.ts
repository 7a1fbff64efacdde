/** @file What the command line does on this machine: worker processes. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Launch, type LaunchOptions } from '../../../launch/launch.ts';
import { LocalLauncher } from '../../../launch/local.ts';
import { countWorkers, devicesOf, threadsEach } from '../../../launch/local-run.ts';
import type { RunStanding } from '../../../launch/supervisor.ts';
import { isStopped } from '../../../shared/machine/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STANDING: RunStanding = { isEnding: false, step: 0, atWork: [] };

/** Workers that run a line of JavaScript. */
function workers(
  name: string,
  code: string,
  options: Partial<Pick<LaunchOptions, 'count' | 'restarts' | 'minWorkers'> & RunStanding> = {},
) {
  const said: string[] = [];
  const logsFolder = join(folder, name);
  const launcher = new LocalLauncher({
    command: [process.execPath, '-e', code, '--'],
    output: { logsFolder },
    environment: (index) => ({ WORKER_NUMBER: String(index) }),
  });
  const launch = new Launch({
    launcher,
    count: options.count ?? 1,
    restarts: options.restarts ?? 0,
    standing: () => ({ ...STANDING, ...options }),
    ...(options.minWorkers !== undefined && { minWorkers: options.minWorkers }),
    notify: ({ text }) => said.push(text),
  });
  return { launch, said, logsFolder };
}

/** Ends as a worker does whose data set is another one. */
const TELLING = `
  const told = { code: 'DATA_INVALID', sentence: 'the data set is another one', hint: 'copy it' };
  require('fs').writeSync(Number(process.env.TESSERA_LAST_ERROR_FD), JSON.stringify(told) + '\\n');
  process.exit(65);`;

/** Lets processes go on until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

const WAIT_FOR_STDIN = 'process.stdin.on("end", () => process.exit(130)).resume()';

describe('local workers', () => {
  it('ask for large pages, unless the user says otherwise', async () => {
    const logsFolder = join(folder, 'pages');
    const pagesOf = async (environment: Record<string, string>) => {
      const code = 'process.exit(process.env.GLIBC_TUNABLES.endsWith("hugetlb=1") ? 3 : 4)';
      const command = [process.execPath, '-e', code, '--'];
      const launcher = new LocalLauncher({
        ...{ command, output: { logsFolder }, environment: () => environment },
      });
      return (await launcher.start({ index: 0, name: 'a' }).ended).code;
    };
    expect(await pagesOf({})).toBe(3);
    expect(await pagesOf({ GLIBC_TUNABLES: 'glibc.malloc.check=0' })).toBe(4);
  });

  it('that are started again get the end of the process before, once', async () => {
    const code =
      'console.log(process.env.TESSERA_EARLIER_END); process.exit(Number(process.env.WITH))';
    let exit = '3';
    const logsFolder = join(folder, 'ends');
    const launcher = new LocalLauncher({
      command: [process.execPath, '-e', code, '--'],
      output: { logsFolder },
      environment: () => ({ WITH: exit }),
    });
    await launcher.start({ index: 0, name: 'a' }).ended;
    await launcher.start({ index: 1, name: 'b' }).ended;
    exit = '0';
    await launcher.start({ index: 0, name: 'a' }).ended;
    const linesOf = (name: string) => readFileSync(join(logsFolder, `${name}.log`), 'utf8');
    expect(linesOf('a')).toMatch(/^undefined\nthe process before ended with exit code 3.*\n$/);
    expect(linesOf('b')).toBe('undefined\n');
  });

  it('that die again and again use up the restarts and end with the first cause', async () => {
    const code = 'console.error("error: engine X is not there\\n  hint: get it"); process.exit(69)';
    const { launch, said } = workers('hopeless', code, { count: 2, restarts: 1 });
    await expect(launch.failed).rejects.toMatchObject({
      code: 'WORKERS_LOST',
      message: expect.stringContaining('engine X is not there'),
    });
    expect(said.filter((line) => line.includes('starts again'))).toHaveLength(1);
    expect(said.join('\n')).toMatch(
      /first failure\n {2}worker {2}w[12] \(pid \d+\)\n.*exit code 69/,
    );
    await launch.close(false);
  });

  it('are not started again when the run is ending', async () => {
    const { launch, said } = workers('ending', 'process.exit(130)', {
      restarts: 3,
      isEnding: true,
    });
    await launch.close(true);
    expect(said).toEqual([]);
  });

  it('that are killed without a word are named, and what their log held before is not theirs', async () => {
    const code = 'process.kill(process.pid, "SIGKILL")';
    mkdirSync(join(folder, 'killed'));
    writeFileSync(join(folder, 'killed', 'w1.log'), 'error: of an earlier run\n');
    const { launch } = workers('killed', code);
    await expect(launch.failed).rejects.toMatchObject({
      message:
        '[WORKERS_LOST] no worker is left after 0 restarts; first, w1 ended with signal SIGKILL: sent by another process, since the kernel has killed none for lack of memory',
    });
    await launch.close(false);
  });

  it('that cannot be started are lost too', async () => {
    const launch = new Launch({
      launcher: new LocalLauncher({
        command: [join(folder, 'no-such-program')],
        output: { logsFolder: join(folder, 'missing') },
        environment: () => ({}),
      }),
      ...{ count: 1, restarts: 0, standing: () => STANDING, notify: () => {} },
    });
    await expect(launch.failed).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      sentence: expect.stringContaining('no such file or folder'),
    });
  });

  it('that cannot be started again are lost, and that ends nothing else', async () => {
    const said: string[] = [];
    let numStarts = 0;
    const launcher = new LocalLauncher({
      command: [process.execPath, '-e', 'process.exit(3)'],
      output: { logsFolder: join(folder, 'once') },
      environment: () => {
        numStarts += 1;
        if (numStarts > 1) throw new Error('no memory');
        return {};
      },
    });
    const launch = new Launch({
      ...{ launcher, count: 1, restarts: 1, standing: () => STANDING },
      notify: ({ text }) => said.push(text),
    });
    await expect(launch.failed).rejects.toMatchObject({ code: 'WORKERS_LOST' });
    expect(said.join('\n')).toMatch(/w1 never started: no memory/);
  });

  it.each([
    ['was removed', (logs: string) => rmSync(logs, { recursive: true })],
    [
      'cannot be written',
      (logs: string) => {
        rmSync(logs, { recursive: true });
        writeFileSync(logs, '');
      },
    ],
  ])('start again when the folder of their logs %s', async (what, harm) => {
    const { launch, said, logsFolder } = workers(`logs that ${what}`, 'process.exit(3)', {
      restarts: 1,
    });
    harm(logsFolder);
    await expect(launch.failed).rejects.toMatchObject({ code: 'WORKERS_LOST' });
    expect(said.join('\n')).toMatch(/w1 ended with exit code 3; no restarts left/);
  });

  it('end when their stdin closes, and that is no death', async () => {
    const { launch, said } = workers('patient', WAIT_FOR_STDIN, { count: 2 });
    await launch.close(false);
    expect(said).toEqual([]);
  });

  it('that ignore everything are killed', async () => {
    const { launch, said } = workers('stubborn', 'setInterval(() => {}, 1000)');
    await launch.close(false);
    expect(said).toEqual([]);
  });

  it('write to a log of their own and know their number', async () => {
    const code = 'console.log("number", process.env.WORKER_NUMBER)';
    const { launch, logsFolder } = workers('logs', code, { count: 2 });
    await launch.close(true);
    expect(readFileSync(join(logsFolder, 'w1.log'), 'utf8')).toBe('number 0\n');
    expect(readFileSync(join(logsFolder, 'w2.log'), 'utf8')).toBe('number 1\n');
  });

  it('that told their last error end the run with it, and no start is tried twice in vain', async () => {
    const { launch, said } = workers('told', TELLING, { count: 2, restarts: 9 });
    await expect(launch.failed).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: 'the data set is another one',
      hint: 'copy it',
    });
    expect(said.filter((line) => line.includes('starts again'))).toHaveLength(1);
    await launch.close(false);
  });

  it('of which one always dies leave the work to the others, and that is said', async () => {
    const code = `if (process.env.WORKER_NUMBER === '0') { ${TELLING} } else ${WAIT_FOR_STDIN}`;
    const { launch, said } = workers('one of two', code, { count: 2, restarts: 9 });
    await until(() => said.some((line) => line.includes('continues with 1 worker')));
    expect(said.filter((line) => line.includes('starts again'))).toHaveLength(1);
    await launch.close(false);
  });

  it('of which fewer are left than the run asks for end it', async () => {
    const code = `if (process.env.WORKER_NUMBER === '0') process.exit(3); ${WAIT_FOR_STDIN}`;
    const { launch } = workers('too few', code, { count: 2, minWorkers: 2 });
    await expect(launch.failed).rejects.toMatchObject({
      code: 'WORKERS_LOST',
      sentence: expect.stringContaining('only 1 of the 2 workers that cluster.minWorkers asks for'),
      hint: expect.stringContaining('a smaller cluster.minWorkers'),
    });
    await launch.close(false);
  });
});

it.skipIf(process.platform !== 'linux')(
  'a process that is stopped is told from one that waits',
  async () => {
    const { pid = 0, ...child } = spawn(process.execPath, ['-e', WAIT_FOR_STDIN]);
    expect(isStopped(pid)).toBe(false);
    process.kill(pid, 'SIGSTOP');
    await until(() => isStopped(pid));
    process.kill(pid, 'SIGCONT');
    await until(() => !isStopped(pid));
    child.stdin?.end();
  },
);

describe('how many', () => {
  const gpus = ['A', 'B', 'C'];

  it.each([
    ['as many as asked for', 5, { gpus, numThreads: 8 }, 5],
    ['one a GPU', 'auto', { gpus, numThreads: 64 }, 3],
    ['one for two cores', 'auto', { gpus: [], numThreads: 9 }, 4],
    ['of a range, what fits', { min: 2, max: 8 }, { gpus, numThreads: 64 }, 3],
    ['of a range, its maximum', { min: 1, max: 2 }, { gpus, numThreads: 64 }, 2],
    ['of a range, its minimum', { min: 6, max: 8 }, { gpus, numThreads: 64 }, 6],
    ['at least two', 'auto', { gpus: [], numThreads: 1 }, 2],
  ] as const)('workers: %s', (_what, wanted, devices, expected) => {
    expect(countWorkers(wanted, devices)).toBe(expected);
  });

  it('workers: one that drives all devices', () => {
    expect(countWorkers('auto', { gpus, numThreads: 64 }, true)).toBe(1);
    expect(countWorkers({ min: 2, max: 8 }, { gpus, numThreads: 64 }, true)).toBe(2);
  });

  it.each([
    ['one has them all', 1, [0, 1, 3], [[0, 1, 3]]],
    [
      'two share four',
      2,
      [0, 1, 2, 3],
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      'three share eight',
      3,
      [0, 1, 2, 3, 4, 5, 6, 7],
      [
        [0, 1],
        [2, 3, 4],
        [5, 6, 7],
      ],
    ],
    ['more workers than devices', 3, [4, 5], [[4], [5], [4]]],
    ['none is named', 2, [], [undefined, undefined]],
  ] as const)('devices: %s', (_what, count, numbers, expected) => {
    const each = Array.from({ length: count }, (_, index) => devicesOf(index, count, numbers));
    expect(each).toEqual(expected);
  });

  it.each([
    [8, 3, 2],
    [2, 4, 1],
  ])('threads: %i cores, %i workers, %i each', (numThreads, count, expected) => {
    expect(threadsEach({ gpus: [], numThreads }, count)).toBe(expected);
  });
});
