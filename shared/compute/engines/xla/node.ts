/** @file A node of the sum tree while devices compute its leaves: gradients are added where they are. */
import { assert } from '../../../core/errors.ts';
import type { NodeTotals } from '../../../core/work.ts';
import { TreeSum } from '../../../training/reduction.ts';
import type { NodeOutputs, NodeStart } from '../../program.ts';
import type { DeviceBuffer } from './buffer.ts';
import type { Device } from './client.ts';
import type { LoadedProgram } from './executable.ts';

/** Leaves that a device may have in hand: one that it computes, and one that waits. */
const LEAVES_IN_FLIGHT = 2;

/** A leaf whose loss was not read yet. */
interface PendingLeaf {
  readonly index: number;
  readonly samples: number;
  readonly sums: DeviceBuffer;
}

/** A vector on a device, which takes another's place when one is added to it. */
class DeviceVector {
  readonly length: number;
  buffer: DeviceBuffer;

  constructor(buffer: DeviceBuffer) {
    this.buffer = buffer;
    [this.length] = buffer.type.shape as [number];
  }
}

/** What a program gave for a leaf; a node owns it from there on. */
export interface LeafResult {
  readonly sums: DeviceBuffer;
  readonly gradient: DeviceBuffer | undefined;
}

/** Loss and correct predictions of a leaf. Destroys the buffer. Throws  PjrtError of the program that computes it. */
export function readSums(buffer: DeviceBuffer): { lossSum: number; correct: number } {
  try {
    const [lossSum, correct] = buffer.read(new Float32Array(2)) as unknown as [number, number];
    return { lossSum, correct: Math.round(correct) };
  } finally {
    buffer.destroy();
  }
}

/** A node. Whatever happens, `drop` frees what it has on the devices. */
export class DeviceNode {
  readonly start: NodeStart;
  readonly #vectors: TreeSum<DeviceVector>;
  /** Totals are added on the host, in the same tree. */
  readonly #totals: TreeSum;
  readonly #owned = new Set<DeviceVector>();
  readonly #pending = new Map<Device, PendingLeaf[]>();

  /** `adder` adds two gradients, in the memory of the first; a node without a sum needs none. */
  constructor(start: NodeStart, adder: LoadedProgram | undefined) {
    this.start = start;
    const add = (target: DeviceVector, source: DeviceVector) => {
      assert(adder !== undefined, 'a node of several gradients has a program that adds');
      this.#add(adder, target, source);
    };
    this.#vectors = new TreeSum(start.numLeaves, add, start);
    this.#totals = new TreeSum(start.numLeaves, () => {}, start);
  }

  /** Waits until a device may have another leaf. */
  async makeRoom(device: Device): Promise<void> {
    const pending = this.#pendingOn(device);
    while (pending.length >= LEAVES_IN_FLIGHT) await this.#finish(pending);
  }

  /** Takes the results of a leaf, whose contents may come later, into the sums. */
  async add(
    { index, samples }: Pick<PendingLeaf, 'index' | 'samples'>,
    { sums, gradient }: LeafResult,
  ): Promise<void> {
    this.#pendingOn(sums.device).push({ index, samples, sums });
    if (gradient === undefined) return;
    const vector = new DeviceVector(gradient);
    this.#owned.add(vector);
    await this.#vectors.add({ first: index, count: 1 }, vector);
  }

  /** Waits for all leaves and reads the sum, once. */
  async end(): Promise<NodeOutputs> {
    for (const pending of this.#pending.values()) {
      while (pending.length > 0) await this.#finish(pending);
    }
    const totals = this.#totals.root?.totals;
    const vector = this.#vectors.root?.vector;
    const isWhole = this.start.kind === 'evaluate' || vector !== undefined;
    assert(totals !== undefined && isWhole, 'a node ends after its last leaf');
    return { ...totals, gradient: vector?.buffer.read(new Float32Array(vector.length)) };
  }

  /** Frees what is on the devices. */
  drop(): void {
    for (const { buffer } of this.#owned) buffer.destroy();
    for (const { sums } of [...this.#pending.values()].flat()) sums.destroy();
    this.#owned.clear();
    this.#pending.clear();
  }

  #pendingOn(device: Device): PendingLeaf[] {
    const pending = this.#pending.get(device) ?? [];
    this.#pending.set(device, pending);
    return pending;
  }

  /** Waits for the oldest leaf. */
  async #finish(pending: PendingLeaf[]): Promise<void> {
    const { index, samples, sums } = pending.shift() as PendingLeaf;
    const totals: NodeTotals = { ...readSums(sums), samples };
    await this.#totals.add({ first: index, count: 1 }, undefined, totals);
  }

  /** Adds on the device of the left one, where the sum stays. */
  #add(adder: LoadedProgram, target: DeviceVector, source: DeviceVector): void {
    const { device } = target.buffer;
    if (source.buffer.device !== device) {
      const copy = source.buffer.copyTo(device);
      source.buffer.destroy();
      source.buffer = copy;
    }
    const [sum] = adder.execute([target.buffer, source.buffer], device) as [DeviceBuffer];
    target.buffer.destroy();
    target.buffer = sum;
    source.buffer.destroy();
    this.#owned.delete(source);
  }
}
