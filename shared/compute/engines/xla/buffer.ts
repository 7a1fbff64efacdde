/** @file Arrays on devices, and events: what happens later on a device. */
import { assert } from '../../../core/errors.ts';
import { MEMORY_LAYOUT, TILED_LAYOUT_SIZE } from './abi.ts';
import type { Device } from './client.ts';
import { type ArrayType, bytesOf, typeText } from './elements.ts';
import { Handle } from './handle.ts';
import { Struct, words } from './memory.ts';
import type { Plugin } from './plugin.ts';

/** Something that happens later. Waiting destroys it. */
export class DeviceEvent {
  readonly #handle: Handle;

  constructor(plugin: Plugin, address: bigint) {
    this.#handle = new Handle(plugin, 'event', address);
  }

  /** Blocks this thread until it has happened. Throws  PjrtError when it failed. */
  wait(): void {
    try {
      this.#handle.plugin.call('Event_Await', { event: this.#handle.address });
    } finally {
      this.#handle.destroy();
    }
  }
}

/** An array on a device, whose contents may come later: programs and reads that take it wait by themselves. */
export class DeviceBuffer {
  readonly type: ArrayType;
  readonly device: Device;
  readonly #handle: Handle;

  constructor(plugin: Plugin, address: bigint, type: ArrayType, device: Device) {
    this.#handle = new Handle(plugin, 'buffer', address);
    this.type = type;
    this.device = device;
  }

  get address(): bigint {
    return this.#handle.address;
  }

  /** Whether its memory was taken over by the output of a program. */
  get isTaken(): boolean {
    const { plugin, address } = this.#handle;
    return plugin.call('Buffer_IsDeleted', { buffer: address }).get('is_deleted');
  }

  /** Copies it into memory of the host, in row-major order; blocks this thread. Throws  PjrtError of what computes it. */
  read<A extends ArrayBufferView>(into: A): A {
    const { plugin, address } = this.#handle;
    const size = bytesOf(this.type);
    assert(into.byteLength === size, `${typeText(this.type)} is read into ${size} bytes`);
    // Without a destination the plugin only says the size.
    if (size === 0) return into;
    const rank = this.type.shape.length;
    // Without a layout the device's own comes, which on a GPU or a TPU need not be row-major.
    const layout = new Struct(MEMORY_LAYOUT, {
      tiled_size: TILED_LAYOUT_SIZE,
      minor_to_major: words(Array.from({ length: rank }, (_, index) => rank - 1 - index)),
      minor_to_major_size: rank,
    });
    const args = plugin.call('Buffer_ToHostBuffer', {
      ...{ buffer: address, host_layout: layout },
      ...{ destination: into, destination_size: into.byteLength },
    });
    new DeviceEvent(plugin, args.get('event')).wait();
    return into;
  }

  /** Begins to copy it to another device; the copy belongs to the caller. */
  copyTo(device: Device): DeviceBuffer {
    const { plugin, address } = this.#handle;
    const args = plugin.call('Buffer_CopyToDevice', { buffer: address, device: device.address });
    return new DeviceBuffer(plugin, args.get('copy'), this.type, device);
  }

  /** Blocks this thread until its contents are there. Throws  PjrtError of what computes it. */
  wait(): void {
    const { plugin, address } = this.#handle;
    const args = plugin.call('Buffer_ReadyEvent', { buffer: address });
    new DeviceEvent(plugin, args.get('event')).wait();
  }

  /** Frees it once what uses it is done; a second call does nothing. */
  destroy(): void {
    this.#handle.destroy();
  }
}
