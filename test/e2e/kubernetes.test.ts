/**
 * @file `tessera launch kubernetes`: its pods run in namespaces of this machine, as the manifest says; they are killed, and
 * started again by the rules of the Job.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject } from 'vitest';
import { readResult } from '../../shared/runs/result-file.ts';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';
import { type JobEnd, runJob } from '../support/kubernetes/job-rules.ts';
import { Manifest } from '../support/kubernetes/manifest.ts';
import { Pod, podsAreRefused } from '../support/kubernetes/pod.ts';
import { longIt } from '../support/proofs.ts';

const refused = networkIsRefused() ?? podsAreRefused();
if (refused !== undefined) process.stderr.write(`skipped: no pods in namespaces: ${refused}\n`);

const folder = scratchFolder();
const PODS = 2;
const NAME = 'digits';
const [config = '', ...flags] = [
  ...SMALL_RUN,
  ...['model.depth=1', 'training.epochs=4', 'checkpoint.everySteps=5'].flatMap((setting) => [
    '--set',
    setting,
  ]),
];
/** Pods see the digits elsewhere. */
const IN_PODS = [
  ...flags.map((flag) => (flag.startsWith('data.path=') ? 'data.path=/tessera/data' : flag)),
  ...['--set', `cluster.minWorkers=${PODS}`],
];

/** The pods of a Job on hosts of a network, with the names of its Service. */
class Cluster {
  readonly network = new Network(Array.from({ length: PODS }, (_, index) => `pod${index}`));
  readonly manifest: Manifest;
  readonly claims = { [`${NAME}-runs`]: join(folder, 'runs'), digits: join(folder, 'digits') };
  /** The pods that run, by their indexes. */
  readonly pods = new Map<number, Pod>();
  readonly #waiting = new Set<() => void>();
  #started = 0;

  constructor(manifest: Manifest) {
    this.manifest = manifest;
    mkdirSync(this.claims[`${NAME}-runs`] as string, { recursive: true });
    cpSync(inject('smallDigits'), this.claims.digits as string, { recursive: true });
  }

  /** Starts the pod of an index, with another address than the one before it. */
  start(index: number): Pod {
    this.#started += 1;
    const scratch = join(folder, `pod-${this.#started}`);
    mkdirSync(scratch);
    this.network.readdress(`pod${index}`);
    writeFileSync(this.#hostsFile(index), '');
    const pod = new Pod({
      ...{ manifest: this.manifest, name: NAME, index, scratch, claims: this.claims },
      through: this.network.through(`pod${index}`),
      hostsFile: this.#hostsFile(index),
    });
    this.pods.set(index, pod);
    this.#name();
    void pod.ended.then(() => {
      if (this.pods.get(index) === pod) this.pods.delete(index);
      this.#name();
    });
    for (const look of this.#waiting) look();
    return pod;
  }

  /** The pod that comes in the place of another. Throws  an Error once the Job is over without one. */
  async after(pod: Pod, index: number, job: Promise<JobEnd>): Promise<Pod> {
    const none = job.then(({ outcome, ends }) => {
      const said = `${pod.process.stdout}${pod.process.stderr}`;
      throw new Error(`no pod came: ${outcome} ${JSON.stringify(ends)}\n${said}`);
    });
    const next = new Promise<Pod>((found) => {
      const look = () => {
        const now = this.pods.get(index);
        if (now === undefined || now === pod) return;
        this.#waiting.delete(look);
        found(now);
      };
      this.#waiting.add(look);
      look();
    });
    return await Promise.race([next, none]);
  }

  close(): void {
    for (const pod of this.pods.values()) pod.kill('SIGKILL');
    this.network.close();
  }

  #hostsFile(index: number): string {
    return join(folder, `hosts-${index}`);
  }

  /** A headless Service has the names of the pods that run, ready or not; the kubelet writes the pod's own. */
  #name(): void {
    const { subdomain } = this.manifest.job.template.spec;
    for (const own of this.pods.keys()) {
      const lines = [...this.pods.keys()].map((index) => {
        const pod = `${NAME}-${index}`;
        const full = `${pod}.${subdomain}.default.svc.cluster.local`;
        const short = index === own ? pod : '';
        return `${this.network.addressOf(`pod${index}`)} ${full} ${pod}.${subdomain} ${short}\n`;
      });
      writeFileSync(this.#hostsFile(own), ['127.0.0.1 localhost\n', ...lines].join(''));
    }
  }
}

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

describe.skipIf(refused !== undefined)('a Job of Kubernetes', () => {
  longIt('trains through SIGTERM and SIGKILL of its pods to the bits of one machine', async () => {
    const launch = ['launch', 'kubernetes', config, '--print', '--image', 'tessera', ...IN_PODS];
    const more = ['--name', NAME, '--workers', '1', '--volume', 'digits:/tessera/data:ro'];
    const [printed, alone] = await Promise.all([
      tessera([...launch, ...more]),
      tessera([
        'train',
        config,
        ...flags,
        '--workers',
        '1',
        '--json',
        '--run-folder',
        join(folder, 'alone'),
      ]),
    ]);
    expect(printed.code, printed.stderr).toBe(0);
    expect(alone.code, alone.stderr).toBe(0);

    const made = new Cluster(new Manifest(printed.stdout));
    cluster = made;
    const [container] = made.manifest.job.template.spec.containers;
    const first: Pod[] = [];
    const job = runJob(made.manifest.job, (index) => {
      const pod = made.start(index);
      if (first[index] === undefined) first[index] = pod;
      return pod;
    });
    const [zero, one] = first as [Pod, Pod];

    await zero.process.printed(/checkpoint\/step-\d+ written/);
    one.kill('SIGKILL');
    // It waits for the other one, and says so to the probe.
    const probe = zero.exec(container?.readinessProbe.exec.command ?? []);
    expect(probe.code, probe.output).toBe(0);
    expect(
      zero.exec(['touch', '/x', '/tessera/join/x', '/image/repo/x']).output.match(/Read-only/g),
    ).toHaveLength(3);
    expect(zero.exec(['id', '-u']).output.trim()).toBe('1000');
    expect(
      zero.exec(['stat', '-Lc', '%a %u %g', '/tessera/join/worker/tls.key']).output.trim(),
    ).toBe('440 0 1000');

    const oneAgain = await made.after(one, 1, job);
    await oneAgain.process.printed(/the first node is at/);
    zero.kill('SIGTERM');
    const zeroAgain = await made.after(zero, 0, job);
    await zeroAgain.process.printed(/resumes +from step \d+[\s\S]*checkpoint\/step-\d+ written/);
    zeroAgain.kill('SIGKILL');

    const { outcome, ends, failures } = await job;
    expect({ outcome, ends, failures }).toEqual({
      outcome: 'Complete',
      ends: [
        [75, 137, 0],
        [137, 0],
      ],
      failures: [1, 1],
    });
    const result = await readResult(join(folder, 'runs', NAME));
    expect(result?.parametersSha256).toBe(JSON.parse(alone.stdout).parametersSha256);
  });
});
