/**
 * @file Our side of a duel: nodes of leaves of one model on one device, by the engine's own parts.
 *
 * Prints a line of JSON when the program is compiled. Then, for each line `measure SECONDS` on stdin, one with the images
 * per second while leaves lie on the device, as the peer's do; for `product SECONDS` with what a worker does besides: each
 * leaf goes up, each node comes down.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import type { DeviceBuffer } from '../../shared/compute/engines/xla/buffer.ts';
import type { Device } from '../../shared/compute/engines/xla/client.ts';
import {
  compileOverrides,
  encodeCompileOptions,
} from '../../shared/compute/engines/xla/compile-options.ts';
import { DeviceNode } from '../../shared/compute/engines/xla/node.ts';
import { openDevices } from '../../shared/compute/engines/xla/open.ts';
import { recordPart } from '../../shared/compute/graph/steps.ts';
import { overridesOf } from '../../shared/compute/lower/stablehlo/products.ts';
import { addProgram, lowerPart } from '../../shared/compute/lower/stablehlo/programs.ts';
import type { ProgramSpec } from '../../shared/compute/program.ts';
import { initialParameters } from '../../shared/model/init.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import type { Precision } from '../../shared/model/precision.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';

/** What is measured. */
export interface LeafRequest {
  readonly model: ModelConfig;
  readonly microBatch: number;
  readonly precision: Precision;
  /** Of a node: a power of two. */
  readonly leaves: number;
  readonly engine: 'xla-cuda' | 'xla-cpu';
  /** Whether the compiler may take what gives other bits from run to run. */
  readonly isFree: boolean;
}

const request = JSON.parse(process.argv[2] ?? '') as LeafRequest;
const { model, microBatch, precision, leaves, engine, isFree } = request;
const spec: ProgramSpec = { model, microBatch, precision, labelSmoothing: 0 };
const platform = engine === 'xla-cuda' ? 'cuda' : 'cpu';
const say = (values: object) => process.stdout.write(`${JSON.stringify(values)}\n`);
const secondsSince = (startMs: number) => (performance.now() - startMs) / 1000;

const engines = await installedEngines(enginesFolder(process.env));
const plugin = engines.findLast((each) => each.engine === engine);
if (plugin === undefined) throw new Error(`no plugin of ${engine} is installed`);
const anyVersion = process.env['TESSERA_XLA_ANY_VERSION'] === '1';
const open = await openDevices({ id: engine, platform, plugin, anyVersion }, { devices: [0] });
const { client, devices } = open;
const [device] = devices as readonly [Device];

const { apiVersion } = client.plugin;
const options = encodeCompileOptions(
  isFree ? overridesOf(precision) : compileOverrides(platform, apiVersion, precision),
);
const lowered = lowerPart(spec, 'training', await recordPart(spec, 'training'));
const startMs = performance.now();
const program = client.compile(lowered.text, options, lowered);
const compileSeconds = secondsSince(startMs);
const sums = addProgram(parameterTable(model).size);
const adder = client.compile(sums.text, options, sums);

/** The inputs of a leaf, the same each time. */
const values = lowered.inputs.map(({ name, shape, type }) => {
  const size = shape.reduce((product, side) => product * side, 1);
  if (name === 'parameters') return initialParameters(model, 1);
  if (name === 'weights') return new Float32Array(size).fill(1);
  if (type === 'int32') return Int32Array.from({ length: size }, (_, i) => i % model.numClasses);
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i));
});
const putAll = (from: number): DeviceBuffer[] =>
  lowered.inputs
    .slice(from)
    .map((type, i) => client.put(values[from + i] as Float32Array, type, device));
const resident = putAll(0);

/** A node of the same leaf several times; `goesUp` puts the leaf on the device each time. */
async function runLeaves(goesUp: boolean): Promise<DeviceNode> {
  const node = new DeviceNode({ kind: 'train', first: 0, count: leaves, numLeaves: leaves }, adder);
  for (let index = 0; index < leaves; index += 1) {
    await node.makeRoom(device);
    const own = goesUp ? putAll(1) : [];
    const args = goesUp ? [resident[0] as DeviceBuffer, ...own] : resident;
    const [gradient, losses] = program.execute(args, device) as [DeviceBuffer, DeviceBuffer];
    for (const buffer of own) buffer.destroy();
    await node.add({ index, samples: microBatch }, { gradient, sums: losses });
  }
  return node;
}

/** The sum of a node, on the host. */
async function readNode(node: DeviceNode): Promise<Float32Array> {
  try {
    return (await node.end()).gradient as Float32Array;
  } finally {
    node.drop();
  }
}

/** Nodes for some seconds; the last one is read, so that all are done. */
async function measure(seconds: number, isProduct: boolean): Promise<object> {
  const beganMs = performance.now();
  let nodes = 1;
  for (; secondsSince(beganMs) < seconds; nodes += 1) {
    const node = await runLeaves(isProduct);
    if (isProduct) await readNode(node);
    else node.drop();
  }
  await readNode(await runLeaves(isProduct));
  const spent = secondsSince(beganMs);
  const imagesPerSecond = (nodes * leaves * microBatch) / spent;
  return { imagesPerSecond, nodes, bytesPeak: device.memory()?.peak };
}

const hash = async () =>
  createHash('sha256')
    .update(await readNode(await runLeaves(true)))
    .digest('hex');
const [sha256, again] = [await hash(), await hash()];
say({
  ...{ device: device.kind, engine: open.identity, compileSeconds, sha256 },
  ...{ sameBits: sha256 === again, memory: program.memory(), isFree },
});
for await (const line of createInterface({ input: process.stdin })) {
  const [kind, seconds] = line.split(' ');
  say(await measure(Number(seconds), kind === 'product'));
}
