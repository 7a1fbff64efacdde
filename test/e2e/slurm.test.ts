/**
 * @file `tessera launch slurm` on a real Slurm: the bits of one machine on two nodes, through requeues and a time limit.
 * `npm run slurm` trains the quickstart, makes room for other jobs, and waits for Slurm's own two minutes between two starts.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slurmScript } from '../../launch/slurm/script.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';
import { hasSlurm, SlurmCluster, written } from '../support/slurm.ts';

const isWhole = process.env['SLURM'] === 'all';
const folder = scratchFolder();
let slurm: SlurmCluster;

const set = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);

const SHORT = [...SMALL_RUN, ...set('training.epochs=4', 'checkpoint.everySteps=5')];

/** Submits a script that runs a shell text in place of Tessera. */
function submit(
  text: string,
  more: readonly string[] = [],
  args: readonly string[] = [],
): { readonly id: string; readonly out: string } {
  const script = slurmScript({
    ...{ name: 'stand-in', nodes: 2, more, args, variables: {} },
    program: ['bash', '-c', text, 'bash'],
  });
  const path = join(folder, 'job.sh');
  writeFileSync(path, script);
  const id = slurm.run('sbatch', '--parsable', `--chdir=${folder}`, path).trim();
  return { id, out: join(folder, `slurm-${id}.out`) };
}

describe.runIf(hasSlurm)('a real Slurm', () => {
  beforeAll(async () => {
    slurm = await SlurmCluster.start(join(folder, 'slurm'));
  });
  afterAll(async () => {
    await slurm.close();
  });

  /** The parameters of a run of this machine alone. */
  async function sha256Alone(config: readonly string[]): Promise<string> {
    const folder_ = ['--run-folder', mkdtempSync(join(folder, 'alone-'))];
    const alone = await tessera(['train', ...config, '--workers', '1', '--json', ...folder_]);
    expect(alone.code, alone.stderr).toBe(0);
    return JSON.parse(alone.stdout).parametersSha256;
  }

  /** Launches a run on both nodes; `out` is what the job prints, `sha256` reads the result. */
  async function launch(config: readonly string[], more: readonly string[] = []) {
    const cwd = mkdtempSync(join(folder, 'nodes-'));
    const launched = await tessera(
      [
        ...['launch', 'slurm', ...config, '--nodes', '2', '--workers', '1', '--json', ...more],
        ...set('cluster.minWorkers=2'),
      ],
      { cwd, env: slurm.env },
    );
    expect(launched.code, launched.stderr).toBe(0);
    const { job, runFolder } = JSON.parse(launched.stdout);
    const sha256 = () => {
      const text = readFileSync(join(cwd, runFolder, 'result.json'), 'utf8');
      return JSON.parse(text).parametersSha256;
    };
    return { job, out: join(cwd, `slurm-${job}.out`), sha256 };
  }

  /** Waits for the end of a job that was disturbed. Slurm starts a requeued one again after two minutes. */
  async function endOf({ job, out }: { readonly job: string; readonly out: string }) {
    await slurm.jobIn(job, /PENDING/);
    if (!isWhole) slurm.run('scontrol', 'update', `JobId=${job}`, 'StartTime=now');
    const { JobState, Restarts } = await slurm.jobIn(job, /COMPLETED|FAILED|TIMEOUT|CANCELLED/);
    const said = readFileSync(out, 'utf8');
    expect([JobState, Restarts], said).toEqual(['COMPLETED', '1']);
    expect(said).toMatch(/resumes +from step \d+/);
  }

  const AT_WORK = /\(2 workers\)[\s\S]*checkpoint\/step-\d+ written/;

  it('trains on two nodes, is requeued in mid-run, and has the bits of one machine', async () => {
    const expected = sha256Alone(SHORT);
    const launched = await launch(SHORT);
    await written(launched.out, AT_WORK);
    slurm.run('scontrol', 'requeue', launched.job);
    await endOf(launched);
    expect(launched.sha256()).toBe(await expected);
  });

  it.runIf(isWhole).each([
    ['with a warning', 'warned'],
    ['at once', 'unwarned'],
  ])(
    'makes room for another job %s, comes back, and has the bits of one machine',
    async (_, name) => {
      const launched = await launch(SHORT, ['--partition', name]);
      await written(launched.out, AT_WORK);
      const other = submit('exit 0', ['partition=all']);
      await slurm.jobIn(other.id, /COMPLETED/);
      await endOf(launched);
      expect(launched.sha256()).toBe(await sha256Alone(SHORT));
    },
  );

  it('queues a job again that has saved or may succeed later, and no other', async () => {
    const saves = submit('exit 75');
    const [lost, wrong] = [submit('exit 70'), submit('exit $((78 - SLURM_PROCID * 8))')];
    // As a task that a warning met before it could save.
    const ended = submit('kill -TERM $$');
    for (const { id } of [saves, lost, ended]) await slurm.jobIn(id, /PENDING/, 1);
    const { ExitCode } = await slurm.jobIn(wrong.id, /FAILED/);
    expect(ExitCode).toBe('78:0');
  });

  it('does not bring back a job that a person has cancelled, which saves', async () => {
    const { id, out } = submit(
      'trap "sleep 1; echo saved; exit 75" TERM; echo up; while :; do sleep 0.1; done',
    );
    await written(out, /up[\s\S]*up/);
    slurm.run('scancel', id);
    const text = await written(out, /saved[\s\S]*saved/);
    const { Restarts } = await slurm.jobIn(id, /CANCELLED/);
    expect(Restarts, text).toBe('0');
  });

  it('hands options and words over as they are', async () => {
    const words = ['a b', `it's "x"`, '$HOME `id` \\ %j %%', '#1', 'ä\n\t;&|*', '', '-x', '~'];
    const comment = '#1 "x" \\ $HOME `id`;|';
    const print = 'printf "<%s>" "$@" > "words-$SLURM_PROCID"; env | grep TESSERA_NODES; exit 2';
    const { id, out } = submit(print, [`comment=${comment}`, 'exclusive'], words);
    await slurm.jobIn(id, /FAILED/);
    const texts = ['words-0', 'words-1'].map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const text of texts) expect(text).toBe(words.map((word) => `<${word}>`).join(''));
    expect(slurm.run('scontrol', 'show', 'job', id)).toContain(`Comment=${comment}`);
    expect(readFileSync(out, 'utf8')).not.toContain('TESSERA_NODES');
  });

  it.runIf(isWhole)('queues a job again that saves until the time limit ends it', async () => {
    const text =
      "n=0; trap 'n=$((n+1)); [ $n -lt 2 ] || exit 75' TERM; while :; do sleep 0.1; done";
    const { id } = submit(text, ['time=1']);
    await slurm.jobIn(id, /PENDING/, 1);
  });

  it.runIf(isWhole)(
    'trains the quickstart through time limits to the bits of one machine',
    async () => {
      const config = ['quickstart', ...set('checkpoint.everySteps=20')];
      const startedMs = performance.now();
      const launched = await launch(config, ['--time', '1']);
      const end = await slurm.jobIn(launched.job, /COMPLETED|FAILED|TIMEOUT|CANCELLED/);
      const seconds = (performance.now() - startedMs) / 1000;
      const said = readFileSync(launched.out, 'utf8');
      expect(end['JobState'], said).toBe('COMPLETED');
      // Slurm's warning, or the run's own look at the clock: whichever comes first.
      expect(said).toMatch(/SIGTERM: shutting down|before its time limit/);
      const found = launched.sha256();
      process.stdout.write(
        `${end['Restarts']} time limits, ${seconds.toFixed(0)} s in all, sha256 ${found.slice(0, 12)}\n`,
      );
      expect(Number(end['Restarts'])).toBeGreaterThan(0);
      expect(found).toBe(await sha256Alone(config));
    },
  );
});

describe('without a Slurm', () => {
  it('says in words that there is no sbatch, what sbatch refuses, and what is wrong in the config', async () => {
    const env = { PATH: '/nowhere' };
    const absent = await tessera(['launch', 'slurm', 'quickstart'], { env });
    expect([absent.code, absent.stdout]).toEqual([2, '']);
    expect(absent.stderr).toMatch(/there is no sbatch on this machine.*--print/s);
    const wrong = await tessera(['launch', 'slurm', 'quickstart', '--set', 'seed=x'], { env });
    expect(wrong.code).toBe(78);
  });
});
