/** @file A real Slurm of a test's own: a controller and two nodes on this machine, in one folder, without munge. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { WatchedProcess } from './cluster.ts';

const DAEMONS = ['/usr/sbin/slurmctld', '/usr/sbin/slurmd'];
/** Slurm waits for two minutes before it starts a job again: `npm run slurm`. */
const DEADLINE_MS = process.env['SLURM'] === 'all' ? 3_600_000 : 120_000;

/** Whether there is one; where not, tests are skipped and say so. */
export const hasSlurm = DAEMONS.every((path) => existsSync(path)) && process.getuid?.() === 0;
if (!hasSlurm) {
  process.stderr.write(
    'skipped: a real Slurm; it takes root and: apt-get install slurmctld slurmd slurm-client\n',
  );
}

/** Facts of a job as `scontrol show job` has them, such as JobState. */
type JobFacts = Readonly<Record<string, string>>;

/** Nodes n1 and n2, and their controller. */
export class SlurmCluster {
  /** For commands of Slurm, and for those that call them. */
  readonly env: NodeJS.ProcessEnv;
  readonly #daemons: readonly WatchedProcess[];

  private constructor(conf: string, env: NodeJS.ProcessEnv) {
    this.env = env;
    const daemon = (words: readonly string[]) => new WatchedProcess(words, { env });
    this.#daemons = [
      daemon([DAEMONS[0] as string, '-D', '-f', conf]),
      ...NODES.map((name) => daemon([DAEMONS[1] as string, '-D', '-f', conf, '-N', name])),
    ];
  }

  /** Starts one in a folder; resolves once both nodes are idle. */
  static async start(folder: string): Promise<SlurmCluster> {
    const conf = join(folder, 'slurm.conf');
    mkdirSync(join(folder, 'state'), { recursive: true });
    writeFileSync(conf, configText(folder, await freePorts(1 + NODES.length)));
    const { SLURM_JOB_ID: _, ...env } = process.env;
    const cluster = new SlurmCluster(conf, { ...env, SLURM_CONF: conf });
    await until(
      () => cluster.#tried('sinfo', '--noheader', '--partition=all', '--Node', '--format=%T'),
      (text) => text === NODES.map(() => 'idle\n').join(''),
    );
    return cluster;
  }

  /** Runs a command of Slurm; returns what it printed. */
  run(command: string, ...args: readonly string[]): string {
    const how = { env: this.env, encoding: 'utf8', timeout: DEADLINE_MS } as const;
    return execFileSync(command, args, { ...how, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What Slurm says of a job. */
  job(id: string): JobFacts {
    const text = this.run('scontrol', 'show', 'job', '--oneliner', id);
    return Object.fromEntries(
      [...text.matchAll(/(\w+)=(\S*)/g)].map(([, key, value]) => [key, value]),
    );
  }

  /** Waits until a job is in a state, after a number of starts if that is given. */
  async jobIn(id: string, state: RegExp, restarts?: number): Promise<JobFacts> {
    return await until(
      () => this.job(id),
      ({ JobState = '', Restarts }) =>
        state.test(JobState) && (restarts === undefined || Restarts === String(restarts)),
    );
  }

  /** Ends all jobs and the daemons. */
  async close(): Promise<void> {
    this.#tried('scancel', '--user', userInfo().username);
    await until(
      () => this.#tried('squeue', '--noheader'),
      (text) => text === '',
    );
    for (const daemon of [...this.#daemons].reverse()) daemon.kill('SIGTERM');
    await Promise.all(this.#daemons.map(({ ended }) => ended));
  }

  #tried(command: string, ...args: readonly string[]): string {
    try {
      return this.run(command, ...args);
    } catch (error) {
      return String(error);
    }
  }
}

/** Waits until a file has a text that matches. */
export async function written(path: string, pattern: RegExp): Promise<string> {
  return await until(
    () => (existsSync(path) ? readFileSync(path, 'utf8') : ''),
    (text) => pattern.test(text),
  );
}

/** Asks until the reply is right, with a deadline. */
async function until<T>(ask: () => T, isRight: (reply: T) => boolean): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    const reply = ask();
    if (isRight(reply)) return reply;
    if (performance.now() - startedMs > DEADLINE_MS) {
      throw new Error(`it never came; the last reply: ${JSON.stringify(reply)}`);
    }
    await new Promise((later) => setTimeout(later, 50));
  }
}

const NODES = ['n1', 'n2'];

function configText(folder: string, [controller, ...ports]: readonly number[]): string {
  const user = userInfo().username;
  return [
    'ClusterName=tessera',
    `SlurmctldHost=${hostname()}(127.0.0.1)`,
    `SlurmctldPort=${controller}`,
    `SlurmUser=${user}`,
    `SlurmdUser=${user}`,
    'AuthType=auth/none',
    'CredType=cred/none',
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'SelectType=select/linear',
    'JobAcctGatherType=jobacct_gather/none',
    'MpiDefault=none',
    'ReturnToService=2',
    'SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0',
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool-%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/slurmd-%n.log`,
    ...NODES.map(
      (name, at) =>
        `NodeName=${name} NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${ports[at]} CPUs=1`,
    ),
    `PartitionName=DEFAULT Nodes=${NODES.join(',')} MaxTime=INFINITE State=UP`,
    'PartitionName=all Default=YES PriorityTier=10 PreemptMode=OFF',
    // Jobs of these make room for those above, after a warning or without one.
    'PartitionName=warned PriorityTier=1 PreemptMode=REQUEUE GraceTime=60',
    'PartitionName=unwarned PriorityTier=1 PreemptMode=REQUEUE',
    '',
  ].join('\n');
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(
    servers.map((server) => new Promise((ready) => server.once('listening', ready))),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
