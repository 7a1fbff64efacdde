/** @file Which node is the first, and how it is dialled: the environments of Slurm and Kubernetes, with their traps. */
import { describe, expect, it } from 'vitest';
import { expandNodeList } from '../../../launch/up/node-list.ts';
import { nodePlace } from '../../../launch/up/nodes.ts';
import type { NodeFacts } from '../../../launch/up/place.ts';

const MACHINE = { hostname: 'box', fullNames: [], addresses: ['10.0.0.2', 'fd00::2'] };
const facts = (given: Partial<NodeFacts> = {}): NodeFacts => ({ env: {}, ...MACHINE, ...given });
const usage = (words: RegExp) =>
  expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(words) });

describe('a list of nodes', () => {
  it.each([
    ['n1', ['n1']],
    ['n[583,752]', ['n583', 'n752']],
    ['a1,b[2-4]c,d', ['a1', 'b2c', 'b3c', 'b4c', 'd']],
    ['gpu[008-011]', ['gpu008', 'gpu009', 'gpu010', 'gpu011']],
    ['r[1-2]n[1-2]', ['r1n1', 'r1n2', 'r2n1', 'r2n2']],
    ['n[9-11,1]', ['n9', 'n10', 'n11', 'n1']],
    ['[fd00::1],10.0.0.1', ['fd00::1', '10.0.0.1']],
    ['a.example.org,b-2', ['a.example.org', 'b-2']],
  ])('%s is expanded', (text, names) => expect(expandNodeList(text)).toEqual(names));

  it.each(['', 'n[1', 'n1]', 'a,,b', 'n[x]', 'n[3-1]', 'n[0-99999999]', 'n[0-999]m[0-999]', ',a'])(
    '%j is refused',
    (text) => expect(() => expandNodeList(text)).toThrow(usage(/cannot be read/)),
  );
});

describe('in a Slurm job', () => {
  const JOB = { SLURM_JOB_ID: '77', SLURM_JOB_NODELIST: 'n[583,752]', SLURM_NTASKS: '2' };
  const task = (node: number, more: Readonly<Record<string, string>> = {}) =>
    facts({
      env: {
        ...JOB,
        SLURM_STEP_NODELIST: 'n[583,752]',
        SLURM_NODEID: String(node),
        SLURM_PROCID: String(node),
        SLURM_LOCALID: '0',
        SLURM_LAUNCH_NODE_IPADDR: '10.9.9.9',
        ...more,
      },
    });

  it('the first of its nodes is the first, whoever submitted it', () => {
    const place = { by: 'slurm', first: 'n583', count: 2, job: '77', life: '77.0', warnings: [] };
    expect(nodePlace(task(0))).toEqual({ ...place, isFirst: true });
    expect(nodePlace(task(1))).toEqual({ ...place, isFirst: false });
    expect(nodePlace(task(0, { SLURM_RESTART_COUNT: '2' })).life).toBe('77.2');
  });

  it('a step on some of the nodes has its own first one', () => {
    const step = { SLURM_STEP_NODELIST: 'n752', SLURM_NTASKS: '2' };
    expect(nodePlace(task(0, step))).toMatchObject({ isFirst: true, first: 'n752', count: 1 });
  });

  it('tasks that are spread otherwise than by node have one first all the same', () => {
    // --distribution=cyclic with two tasks a node: task 1 is on the second node.
    const places = [
      { SLURM_NODEID: '0', SLURM_LOCALID: '0', SLURM_PROCID: '0' },
      { SLURM_NODEID: '1', SLURM_LOCALID: '0', SLURM_PROCID: '1' },
      { SLURM_NODEID: '0', SLURM_LOCALID: '1', SLURM_PROCID: '2' },
      { SLURM_NODEID: '1', SLURM_LOCALID: '1', SLURM_PROCID: '3' },
    ].map((each) => nodePlace(task(0, each)));
    expect(places.map(({ isFirst }) => isFirst)).toEqual([true, false, false, false]);
    expect(places.map(({ warnings }) => warnings.length)).toEqual([0, 0, 1, 1]);
    expect(places[2]?.warnings[0]).toMatch(/--ntasks-per-node=1/);
  });

  it('without node numbers the task number decides', () => {
    const { SLURM_NODEID: _, ...env } = task(1).env;
    expect(nodePlace(facts({ env })).isFirst).toBe(false);
    expect(nodePlace(facts({ env: { ...env, SLURM_PROCID: '0' } })).isFirst).toBe(true);
  });

  it('a batch script without srun is warned, and a shell of salloc is refused', () => {
    const batch = { ...JOB, SLURM_NODEID: '0', SLURM_PROCID: '0' };
    const place = nodePlace(facts({ env: batch }));
    expect(place).toMatchObject({ isFirst: true, warnings: [expect.stringMatching(/put srun/)] });
    expect(() => nodePlace(facts({ env: JOB }))).toThrow(usage(/not a task of the Slurm job 77/));
  });

  it('one task on one node is alone', () => {
    const env = { SLURM_STEP_NODELIST: 'n1', SLURM_NTASKS: '1' };
    expect(nodePlace(task(0, env))).toMatchObject({ isFirst: true, first: undefined });
    // A variable that is set and empty is none.
    expect(nodePlace(facts({ env: { SLURM_JOB_ID: '' } })).by).toBe('none');
  });
});

describe('in an Indexed Job of Kubernetes', () => {
  const pod = (index: string, given: Partial<NodeFacts> = {}) =>
    facts({ env: { JOB_COMPLETION_INDEX: index }, hostname: `digits-${index}`, ...given });

  it('the pod with the index 0 is the first, by its name in the headless Service', () => {
    const place = nodePlace(pod('3', { service: 'ring' }));
    expect(place).toMatchObject({
      ...{ by: 'kubernetes', isFirst: false, first: 'digits-0.ring', job: 'digits' },
      ...{ count: undefined, warnings: [] },
    });
    expect(nodePlace(pod('0', { service: 'ring' })).isFirst).toBe(true);
  });

  it('the Service is found in the full name that the hosts file or the host name has', () => {
    const full = 'digits-12.ring.space.svc.cluster.local';
    expect(nodePlace(pod('12', { fullNames: ['localhost', full] })).first).toBe('digits-0.ring');
    expect(nodePlace(pod('12', { hostname: full })).first).toBe('digits-0.ring');
    // JobSet: its own name, the replicated job's, the number of the job.
    const ofSet = { hostname: 'set-workers-0-2', service: 'set' };
    expect(nodePlace(pod('2', ofSet)).first).toBe('set-workers-0-0.set');
  });

  it('without a Service the first pod is alone and says so; another one is refused', () => {
    expect(nodePlace(pod('0'))).toMatchObject({
      ...{ isFirst: true, first: undefined, warnings: [expect.stringMatching(/--service/)] },
    });
    expect(() => nodePlace(pod('1'))).toThrow(usage(/headless Service is not known/));
    expect(() => nodePlace(pod('1', { hostname: 'other', service: 'ring' }))).toThrow(
      usage(/does not end with its index/),
    );
    expect(() => nodePlace(pod('one'))).toThrow(usage(/not a number/));
  });

  it('Slurm on Kubernetes is Slurm', () => {
    const slurm = { SLURM_JOB_ID: '1', SLURM_STEP_NODELIST: 'a,b', SLURM_NODEID: '1' };
    expect(nodePlace(facts({ env: { ...slurm, JOB_COMPLETION_INDEX: '0' } })).by).toBe('slurm');
  });
});

describe('by --nodes', () => {
  const nodes = ['a.cluster', 'b.cluster', '10.0.0.3'];
  const named = (given: Partial<NodeFacts> = {}) => nodePlace(facts({ nodes, ...given }));

  it('a node is found by its host name, a full name, or an address; and comes before any scheduler', () => {
    const env = { SLURM_JOB_ID: '1' };
    expect(named({ hostname: 'b', env })).toMatchObject({ by: 'nodes', isFirst: false });
    expect(named({ hostname: 'A.Cluster' })).toMatchObject({
      ...{ isFirst: true, first: 'a.cluster', count: 3, job: undefined },
    });
    expect(named({ fullNames: ['b.cluster'] })).toMatchObject({ isFirst: false });
    expect(named({ addresses: ['10.0.0.3'] })).toMatchObject({ isFirst: false });
  });

  it('a node is found by what the names resolve to, its own loopback address too', () => {
    const resolved = (address: string) => new Map([['a.cluster', [address]]]);
    expect(named({ resolved: resolved('10.0.0.2') }).isFirst).toBe(true);
    expect(named({ resolved: resolved('127.0.1.1') }).isFirst).toBe(true);
    expect(() => named({ resolved: resolved('10.0.0.9') })).toThrow(usage(/none of the nodes/));
  });

  it('names of other domains, and addresses that look alike, are of other machines', () => {
    expect(() => named({ hostname: 'a.elsewhere' })).toThrow(usage(/this machine is a\.elsewhere/));
    expect(() => named({ addresses: ['10.0.0.33'] })).toThrow(usage(/none of the nodes/));
  });

  it('a machine that is several of them, or none, says which it is with --node-index', () => {
    const twice = { nodes: ['localhost', '127.0.0.1'] };
    expect(() => named(twice)).toThrow(usage(/more than one of the nodes/));
    expect(named({ ...twice, nodeIndex: 1 }).isFirst).toBe(false);
    expect(named({ nodeIndex: 0 }).isFirst).toBe(true);
    expect(() => named({ nodeIndex: 3 })).toThrow(usage(/beyond the last/));
    expect(() => nodePlace(facts({ nodeIndex: 0 }))).toThrow(usage(/--node-index/));
  });

  it('one node is alone, and so is a machine without any of these', () => {
    expect(named({ nodes: ['box'] })).toMatchObject({ isFirst: true, first: undefined });
    expect(nodePlace(facts())).toMatchObject({ by: 'none', isFirst: true, first: undefined });
  });
});
