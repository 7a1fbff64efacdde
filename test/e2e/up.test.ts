/** @file `tessera up` on several nodes, which are processes here: any order, a first node that dies and comes back. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
const NODES = 3;

const set = (...settings: string[]) => settings.flatMap((setting) => ['--set', setting]);
const RUN = [
  ...SMALL_RUN,
  ...set('model.width=16', 'model.depth=1', 'training.epochs=2', 'checkpoint.everySteps=5'),
  ...['--workers', '1', '--json'],
];

/** What Slurm gives to the task of a node; none of its names resolve. */
function task(node: number, job: string): NodeJS.ProcessEnv {
  return {
    SLURM_JOB_ID: job,
    SLURM_JOB_NODELIST: `n[1-${NODES}]`,
    SLURM_STEP_NODELIST: `n[1-${NODES}]`,
    SLURM_NTASKS: String(NODES),
    SLURM_NODEID: String(node),
    SLURM_PROCID: String(node),
    SLURM_LOCALID: '0',
    SLURM_LAUNCH_NODE_IPADDR: '192.0.2.99',
  };
}

/** Starts the line of a node; it is the same on all. */
function node(index: number, job: string, more: readonly string[] = []): TesseraProcess {
  const line = ['up', ...RUN, ...more, '--run-folder', join(folder, 'runs', job)];
  return new TesseraProcess(line, { env: task(index, job) });
}

const sha256In = (stdout: string): string => JSON.parse(stdout).parametersSha256;

describe('tessera up, the same line on every node', () => {
  longIt(
    'trains whoever comes first, stays through kill -9 of the first node, and has the bits of one machine',
    async () => {
      const alone = await tessera(['train', ...RUN, '--run-folder', join(folder, 'alone')]);
      expect(alone.code, alone.stderr).toBe(0);
      const together = set(`cluster.minWorkers=${NODES}`);
      const others = [2, 1].map((index) => node(index, '7', together));
      for (const other of others) await other.printed(/waiting for the first node/);
      const first = node(0, '7', together);
      await first.printed(/\(3 workers\)[\s\S]*checkpoint\/step-\d+ written/);
      first.kill('SIGKILL');
      await first.ended;
      for (const other of others) await other.printed(/no connection to the coordinator/);
      const again = await node(0, '7', together).ended;
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr).toMatch(/resumes +from step \d+/);
      expect(sha256In(again.stdout)).toBe(sha256In(alone.stdout));
      for (const other of others) {
        const { code, stderr } = await other.ended;
        expect(code, stderr).toBe(0);
        expect(stderr.match(/waiting for the first node/g)).toHaveLength(1);
      }
      const [done, ...rest] = await Promise.all([0, 1, 2].map((index) => node(index, '7').ended));
      expect(done?.code, done?.stderr).toBe(0);
      expect(sha256In(done?.stdout ?? '')).toBe(sha256In(alone.stdout));
      for (const { code, stderr } of rest) {
        expect(code, stderr).toBe(0);
        expect(stderr).toContain('the run is done already');
      }
    },
  );

  it('ends with 75 where a scheduler asks for it, with 130 where a person does; the others wait for a first node that saves', async () => {
    const endless = set(
      'training.epochs=100000',
      'evaluation.everyEpochs=0',
      'checkpoint.everySteps=0',
    );
    const first = node(0, '8', endless);
    const [asked, waits] = [node(1, '8', endless), node(2, '8', endless)];
    await first.printed(/\(3 workers\)/);
    asked.kill('SIGTERM');
    const { code, stderr } = await asked.ended;
    expect(code, stderr).toBe(75);
    await first.printed(/step +\d+\//);
    first.kill('SIGUSR1');
    const saved = await first.ended;
    expect(saved.code, saved.stderr).toBe(75);
    expect(saved.stderr).toMatch(
      /checkpoint\/step-\d+ written[\s\S]*the same line again continues/,
    );
    await waits.printed(/is to be started again/);
    const back = node(0, '8', endless);
    await back.printed(/\(2 workers\)/);
    back.kill('SIGINT');
    expect((await back.ended).code).toBe(130);
    expect((await waits.ended).code).toBe(130);
  });

  it('says in words what a node waits for in vain, and what it cannot be', async () => {
    const absent = ['--nodes', 'a,b', '--node-index', '1', '--reconnect', '500ms'];
    const line = ['up', 'quickstart', '--run-folder', join(folder, 'runs', 'absent')];
    const given = await tessera([...line, ...absent]);
    expect(given.code).toBe(69);
    expect(given.stderr).toMatch(/no first node in \d+ s: it has not filled .*--join-folder/s);
    const stranger = await tessera([...line, '--nodes', '198.51.100.1,198.51.100.2']);
    expect(stranger.code).toBe(2);
    expect(stranger.stderr).toMatch(/none of the nodes .* --node-index/s);
  });
});
