/**
 * @file `tessera launch slurm` on a real Slurm: the bits of one machine on two nodes, through requeues and a time limit.
 * `npm run slurm` trains the quickstart, and waits for Slurm's own two minutes between two starts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slurmScript } from '../../launch/slurm/script.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';
import { hasSlurm, SlurmCluster, written } from '../support/slurm.ts';

const isWhole = process.env['SLURM'] === 'all';
const folder = scratchFolder();
let slurm: SlurmCluster;

const set = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);

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

  it('trains on two nodes, is requeued in mid-run, and has the bits of one machine', async () => {
    const config = isWhole
      ? ['quickstart', ...set('checkpoint.everySteps=20')]
      : [...SMALL_RUN, ...set('training.epochs=10', 'checkpoint.everySteps=5')];
    const alone = await tessera([
      ...['train', ...config, '--workers', '1', '--json'],
      ...['--run-folder', join(folder, 'alone')],
    ]);
    expect(alone.code, alone.stderr).toBe(0);
    const cwd = join(folder, 'nodes');
    mkdirSync(cwd);
    const launched = await tessera(
      [
        ...['launch', 'slurm', ...config, '--nodes', '2', '--workers', '1', '--json'],
        ...set('cluster.minWorkers=2'),
      ],
      { cwd, env: slurm.env },
    );
    expect(launched.code, launched.stderr).toBe(0);
    const { job, runFolder } = JSON.parse(launched.stdout);
    const out = join(cwd, `slurm-${job}.out`);
    await written(out, /\(2 workers\)[\s\S]*checkpoint\/step-\d+ written/);
    slurm.run('scontrol', 'requeue', job);
    await slurm.jobIn(job, /PENDING/);
    // Slurm starts a requeued job again after two minutes.
    if (!isWhole) slurm.run('scontrol', 'update', `JobId=${job}`, 'StartTime=now');
    const { JobState, Restarts } = await slurm.jobIn(job, /COMPLETED|FAILED|TIMEOUT|CANCELLED/);
    const said = readFileSync(out, 'utf8');
    expect([JobState, Restarts], said).toEqual(['COMPLETED', '1']);
    expect(said).toMatch(/resumes +from step \d+/);
    const result = JSON.parse(readFileSync(join(cwd, runFolder, 'result.json'), 'utf8'));
    expect(result.parametersSha256).toBe(JSON.parse(alone.stdout).parametersSha256);
  });

  it('queues a job again that has saved or may succeed later, and no other', async () => {
    const saves = submit('exit 75');
    const [lost, wrong] = [submit('exit 70'), submit('exit $((78 - SLURM_PROCID * 8))')];
    for (const { id } of [saves, lost]) await slurm.jobIn(id, /PENDING/, 1);
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

  it.runIf(isWhole)(
    'queues a job again that saves until the time limit ends it',
    {
      timeout: 300_000,
    },
    async () => {
      const text =
        "n=0; trap 'n=$((n+1)); [ $n -lt 2 ] || exit 75' TERM; while :; do sleep 0.1; done";
      const { id } = submit(text, ['time=1']);
      await slurm.jobIn(id, /PENDING/, 1);
    },
  );

  it.runIf(isWhole)('continues through time limits', { timeout: 3_600_000 }, async () => {
    const quickstart = ['quickstart', ...set('checkpoint.everySteps=20', 'cluster.minWorkers=2')];
    const launched = await tessera(
      ['launch', 'slurm', ...quickstart, '--nodes', '2', '--workers', '1', '--time', '1', '--json'],
      { cwd: folder, env: slurm.env },
    );
    expect(launched.code, launched.stderr).toBe(0);
    const { job, runFolder } = JSON.parse(launched.stdout);
    await slurm.jobIn(job, /COMPLETED|FAILED|TIMEOUT|CANCELLED/);
    const result = JSON.parse(readFileSync(join(folder, runFolder, 'result.json'), 'utf8'));
    expect(result.parametersSha256).toMatch(/^3bbbd98d/);
    expect(readFileSync(join(folder, `slurm-${job}.out`), 'utf8')).toMatch(/before its time limit/);
  });
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
