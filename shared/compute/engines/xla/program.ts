/** @file The step on the devices of a PJRT plugin: parameters stay there, and nodes are added there. */
import { assert } from '../../../core/errors.ts';
import { slotOf } from '../../../training/slots.ts';
import type { ExecutableStore } from '../../executables.ts';
import { leafValues, unlabelled } from '../../inputs.ts';
import {
  countOf,
  type DeviceReport,
  hasFrozenBackbone,
  type LeafInputs,
  type LeafOutputs,
  type NodeOutputs,
  type NodeStart,
  type PartMemory,
  type Program,
  type ProgramSpec,
} from '../../program.ts';
import type { Part } from '../../step.ts';
import type { DeviceBuffer } from './buffer.ts';
import type { Device } from './client.ts';
import { returnFreeMemory } from './memory.ts';
import { DeviceNode, readSums } from './node.ts';
import { type DeviceRequest, type OpenDevices, openDevices, type XlaEngine } from './open.ts';
import { Programs } from './programs.ts';

/** Nodes between two times that free memory goes back to the system, on CPUs: some milliseconds each. */
const NODES_PER_TRIM = 256;

/** How a program is compiled. */
interface XlaOptions extends DeviceRequest {
  readonly executables?: ExecutableStore | undefined;
}

/**
 * Opens the devices of an engine and prepares the step for them; each part is compiled on first use.
 *
 * Throws  ENGINE_UNAVAILABLE.
 */
export async function compileForXla(
  spec: ProgramSpec,
  { devices, executables, ...engine }: XlaEngine & XlaOptions,
): Promise<Program> {
  const open = await openDevices(engine, { devices });
  const programs = new Programs(spec, { open, platform: engine.platform, executables });
  return new XlaProgram(spec, engine, { open, programs });
}

/** What a program computes on and with. */
interface XlaParts {
  readonly open: OpenDevices;
  readonly programs: Programs;
}

/** Calls block the thread while they wait for a device. */
class XlaProgram implements Program {
  readonly description: string;
  readonly identity: string;
  readonly slots: number;
  readonly #spec: ProgramSpec;
  readonly #open: OpenDevices;
  readonly #programs: Programs;
  /** Whether the devices' memory is the C library's. */
  readonly #isOnHost: boolean;
  #nodes = 0;
  /** The newest version, on each device. */
  #parameters = new Map<Device, DeviceBuffer>();
  #start: NodeStart | undefined;
  #node: DeviceNode | undefined;

  constructor(spec: ProgramSpec, { id, platform }: XlaEngine, { open, programs }: XlaParts) {
    const { devices, identity } = open;
    this.#spec = spec;
    this.#open = open;
    this.#programs = programs;
    this.#isOnHost = platform === 'cpu';
    this.identity = identity;
    this.slots = devices.length;
    this.description = `${id}, ${devices.length} x ${devices[0]?.kind}`;
  }

  /** Goes up once; further devices have it from the first. */
  setParameters(parameters: Float32Array): void {
    const [first, ...others] = this.#open.devices as [Device, ...Device[]];
    const type = { shape: [parameters.length], type: 'float32' } as const;
    const fresh = new Map<Device, DeviceBuffer>();
    try {
      const source = this.#open.client.put(parameters, type, first);
      fresh.set(first, source);
      for (const device of others) fresh.set(device, source.copyTo(device));
    } catch (error) {
      destroyAll(fresh.values());
      throw error;
    }
    destroyAll(this.#parameters.values());
    this.#parameters = fresh;
  }

  beginNode(start: NodeStart): void {
    this.#dropNode();
    this.#start = start;
  }

  async addLeaf(leaf: LeafInputs, index: number): Promise<void> {
    const start = this.#start;
    assert(start !== undefined, 'a node begins before its leaves');
    const node = await this.#nodeOf(start);
    const device = this.#open.devices[slotOf(index, start, this.slots)] as Device;
    await node.makeRoom(device);
    const samples = countOf(leaf.weights);
    if (start.kind === 'train') {
      const [gradient, sums] = await this.#run('training', leaf, device);
      return node.add({ index, samples }, { gradient, sums: sums as DeviceBuffer });
    }
    const [sums, logits] = await this.#run('forward', leaf, device);
    logits?.destroy();
    return node.add({ index, samples }, { gradient: undefined, sums: sums as DeviceBuffer });
  }

  async endNode(): Promise<NodeOutputs> {
    const node = this.#node;
    assert(node !== undefined, 'a node ends after its last leaf');
    try {
      return await node.end();
    } finally {
      this.#dropNode();
      this.#tidyMemory();
    }
  }

  async train(leaf: LeafInputs): Promise<LeafOutputs> {
    const [gradient, sums] = await this.#run('training', leaf);
    try {
      return { ...readSums(sums as DeviceBuffer), gradient: readVector(gradient as DeviceBuffer) };
    } finally {
      destroyAll([gradient, sums]);
    }
  }

  async evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    const [sums, logits] = await this.#run('forward', leaf);
    logits?.destroy();
    return { ...readSums(sums as DeviceBuffer), gradient: new Float32Array(0) };
  }

  async predict(images: LeafInputs['images']): Promise<Float32Array> {
    const [sums, logits] = await this.#run('forward', unlabelled(images, this.#spec));
    sums?.destroy();
    return readVector(logits as DeviceBuffer);
  }

  async features(images: LeafInputs['images']): Promise<Float32Array> {
    const [features] = await this.#run('features', unlabelled(images, this.#spec));
    return readVector(features as DeviceBuffer);
  }

  devices(): DeviceReport {
    const { devices } = this.#open;
    const memories = devices.map((device) => device.memory());
    const sumOf = (values: readonly (number | undefined)[]) =>
      values.reduce<number | undefined>(
        (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
        0,
      );
    return {
      kind: devices[0]?.kind ?? '',
      count: devices.length,
      bytesInUse: sumOf(memories.map((memory) => memory?.inUse)),
      bytesPeak: sumOf(memories.map((memory) => memory?.peak)),
      bytesLimit: sumOf(memories.map((memory) => memory?.limit)),
    };
  }

  async compile(part: Part): Promise<void> {
    await this.#programs.get(part);
  }

  async memory(part: Part): Promise<PartMemory> {
    return (await this.#programs.get(part)).program.memory();
  }

  async dispose(): Promise<void> {
    this.#dropNode();
    destroyAll(this.#parameters.values());
    this.#parameters.clear();
    this.#programs.dispose();
    this.#open.client.destroy();
  }

  async #nodeOf(start: NodeStart): Promise<DeviceNode> {
    if (this.#node !== undefined) return this.#node;
    const adds = start.kind === 'train' && start.count > 1;
    const adder = adds ? (await this.#programs.get('sums')).program : undefined;
    this.#node = new DeviceNode(start, adder);
    return this.#node;
  }

  /** Begins after the first node, when the compiler's memory is free. */
  #tidyMemory(): void {
    if (this.#isOnHost && this.#nodes % NODES_PER_TRIM === 0) returnFreeMemory();
    this.#nodes += 1;
  }

  #dropNode(): void {
    this.#node?.drop();
    this.#node = undefined;
    this.#start = undefined;
  }

  /** Starts a part on a device; its outputs belong to the caller. */
  async #run(
    part: Part,
    leaf: LeafInputs,
    device = this.#open.devices[0] as Device,
  ): Promise<DeviceBuffer[]> {
    const { program, inputs } = await this.#programs.get(part);
    const parameters = this.#parameters.get(device);
    assert(parameters !== undefined, 'parameters come before leaves');
    const own: DeviceBuffer[] = [];
    try {
      const values = leafValues(this.#spec, part, leaf);
      const args = [parameters];
      for (const { name, ...type } of inputs.slice(1)) {
        const value = values.get(name);
        const buffer =
          value === undefined
            ? await this.#missing(name, leaf, device)
            : this.#open.client.put(value, type, device);
        own.push(buffer);
        args.push(buffer);
      }
      return program.execute(args, device);
    } finally {
      destroyAll(own);
    }
  }

  /** Behind a frozen backbone the head takes features; those that are missing are computed, and stay on the device. */
  async #missing(name: string, leaf: LeafInputs, device: Device): Promise<DeviceBuffer> {
    const isComputed = name === 'features' && hasFrozenBackbone(this.#spec);
    assert(isComputed, `a leaf has ${name}`);
    const [features] = await this.#run('features', leaf, device);
    return features as DeviceBuffer;
  }
}

/** Reads an array of float32 and destroys it. */
function readVector(buffer: DeviceBuffer): Float32Array {
  const size = buffer.type.shape.reduce((product, side) => product * side, 1);
  try {
    return buffer.read(new Float32Array(size));
  } finally {
    buffer.destroy();
  }
}

function destroyAll(buffers: Iterable<DeviceBuffer | undefined>): void {
  for (const buffer of buffers) buffer?.destroy();
}
