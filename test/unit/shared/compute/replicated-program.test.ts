/** @file Several devices in one program: all busy, whichever is faster, and the sum of one; a failure says whose it is. */
import { expect, it } from 'vitest';
import { compileForDevices } from '../../../../shared/compute/engines/onnxruntime/devices.ts';
import { LeafProgram } from '../../../../shared/compute/leaf-program.ts';
import type { LeafInputs, LeafOutputs } from '../../../../shared/compute/program.ts';
import { type Replica, ReplicatedProgram } from '../../../../shared/compute/replicated-program.ts';
import { type Deferred, deferred } from '../../../../shared/core/async.ts';
import { SMALL_SPEC } from '../../../support/compute.ts';

const NODE = { kind: 'train', first: 8, count: 8, numLeaves: 16 } as const;
const LEAVES = Array.from({ length: NODE.count }, (_, place) => NODE.first + place);

/** A leaf that is known by its first label. */
const leafAt = (leaf: number): LeafInputs => ({
  images: new Float32Array(0),
  labels: Int32Array.of(leaf),
  weights: Float32Array.of(1, 1),
});

/** Values whose sum depends on the order of additions. */
const outputsOf = ({ labels: [leaf = 0] }: LeafInputs): LeafOutputs => ({
  lossSum: leaf / 3,
  correct: 1,
  gradient: Float32Array.of(1 / leaf, 1e8 * Math.sin(leaf), leaf % 3),
});

/** Devices that end a leaf when they are told to. */
class Scene {
  /** Leaves that are being computed, by device. */
  readonly open = new Map<number, { readonly leaf: number; readonly done: Deferred<void> }>();
  readonly program: ReplicatedProgram;

  constructor(devices: number) {
    const replicas = Array.from({ length: devices }, (_, device) => this.#replica(device));
    const words = { kind: 'test', description: 'test' };
    this.program = new ReplicatedProgram(SMALL_SPEC, replicas, words);
  }

  get leaves(): number[] {
    return [...this.open.values()].map(({ leaf }) => leaf).sort((a, b) => a - b);
  }

  #replica(device: number): Replica {
    const train = async (inputs: LeafInputs) => {
      expect(this.open.has(device), `device ${device} has one leaf at a time`).toBe(false);
      const done = deferred<void>();
      this.open.set(device, { leaf: inputs.labels[0] as number, done });
      await done.promise.finally(() => this.open.delete(device));
      return outputsOf(inputs);
    };
    const [evaluate, predict] = [train, () => Promise.reject()];
    const rest = { setParameters: () => {}, dispose: () => Promise.resolve() };
    return { train, evaluate, predict, features: predict, ...rest };
  }
}

/** The sum as one device has it. */
async function expectedSum() {
  const one = new (class extends LeafProgram {
    readonly description = 'one';
    setParameters() {}
    train = (leaf: LeafInputs) => Promise.resolve(outputsOf(leaf));
    evaluate = this.train;
    predict = () => Promise.reject();
    features = this.predict;
    dispose = () => Promise.resolve();
  })();
  one.beginNode(NODE);
  for (const leaf of LEAVES) await one.addLeaf(leafAt(leaf), leaf);
  return await one.endNode();
}

/** Lets everything that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it.each([
  ['in their order', 3, (open: readonly number[]) => open[0] as number],
  ['the last first', 3, (open: readonly number[]) => open.at(-1) as number],
  ['one that takes as long as all others', 2, (open: readonly number[]) => Math.max(...open)],
  ['more devices than leaves', 16, (open: readonly number[]) => open[open.length >> 1] as number],
])(
  'leaves that end %s: the sum has the bits of one device, and nobody waits',
  async (_what, devices, choose) => {
    const scene = new Scene(devices);
    const { program } = scene;
    program.beginNode(NODE);
    const feeding = (async () => {
      for (const leaf of LEAVES) await program.addLeaf(leafAt(leaf), leaf);
      return await program.endNode();
    })();
    for (let left = LEAVES.length; left > 0; left -= 1) {
      await settled();
      expect(scene.leaves).toHaveLength(Math.min(devices, left));
      const ends = choose([...scene.leaves]);
      [...scene.open.values()].find(({ leaf }) => leaf === ends)?.done.resolve();
    }
    expect(await feeding).toEqual(await expectedSum());
  },
);

it('calls one by one are of one device', async () => {
  const scene = new Scene(3);
  for (let call = 0; call < 3; call += 1) {
    const outputs = scene.program.train(leafAt(1));
    await settled();
    expect([...scene.open.keys()]).toEqual([0]);
    scene.open.get(0)?.done.resolve();
    await outputs;
  }
});

it('a leaf that fails ends the node, and no more leaves are taken', async () => {
  const { program, open } = new Scene(2);
  program.beginNode(NODE);
  await program.addLeaf(leafAt(8), 8);
  const second = program.addLeaf(leafAt(9), 9);
  await settled();
  open.get(1)?.done.reject(new Error('out of memory'));
  await Promise.allSettled([second]);
  await expect(program.addLeaf(leafAt(10), 10)).rejects.toThrow('out of memory');
  open.get(0)?.done.resolve();
  await expect(program.endNode()).rejects.toThrow('out of memory');
});

const threadOf = (script: string) => new URL(`data:text/javascript,${encodeURIComponent(script)}`);
const REFUSES = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { device, threads } = workerData.options;
  parentPort.on('message', ({ type, parameters }) => {
    if (type === 'close') process.exit();
    if (type === 'setParameters') return;
    parentPort.postMessage(device === 3
      ? { error: { code: 'INTERNAL', sentence: 'CUDA failure 2: out of memory', hint: 'take less' } }
      : { result: new Float32Array([device, threads]) });
  });
`;

it('each device has its share of the threads, and a failure says of which device it is', async () => {
  const options = { provider: 'cpu', threads: 5 } as const;
  const devices = { devices: [1, 3], kind: 'cpu', entry: threadOf(REFUSES) };
  const program = compileForDevices(SMALL_SPEC, options, devices);
  expect(program).toMatchObject({ description: 'onnxruntime-cpu, 2 x threads 2', slots: 2 });
  expect(program.devices()).toMatchObject({ kind: 'cpu', count: 2 });
  program.setParameters(Float32Array.of(1, 2, 3));
  const [first, second] = await Promise.allSettled(
    [1, 3].map(() => program.predict(new Float32Array(0))),
  );
  expect(first).toMatchObject({ value: Float32Array.of(1, 2) });
  expect(second).toMatchObject({
    reason: { sentence: 'device 3: CUDA failure 2: out of memory', hint: 'take less' },
  });
  await program.dispose();
});

it('a thread that ends by itself is a failure of its device', async () => {
  const options = { provider: 'cuda', threads: 1 } as const;
  const devices = { devices: [4, 6], kind: 'NVIDIA H200', entry: threadOf('process.exit(9)') };
  const program = compileForDevices(SMALL_SPEC, options, devices);
  expect(program.description).toBe('onnxruntime-cuda, 2 x NVIDIA H200');
  const failed = expect(program.predict(new Float32Array(0))).rejects;
  await failed.toThrow(/device 4: its thread ended with code 9/);
  await program.dispose();
});
