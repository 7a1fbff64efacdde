/** @file The devices of a plugin in this process, and what is put on them. */
import { assert, TesseraError } from '../../../core/errors.ts';
import { ONLY_DURING_CALL } from './abi.ts';
import { DeviceBuffer, DeviceEvent } from './buffer.ts';
import { type ArrayType, bytesOf, ELEMENTS, typeText } from './elements.ts';
import { LoadedProgram, programArguments, type Signature } from './executable.ts';
import { Handle } from './handle.ts';
import { textFrom, words, wordsFrom } from './memory.ts';
import { encodeValues, type NamedValues } from './named-values.ts';
import { type Plugin, unlessLacking } from './plugin.ts';

/** Memory of a device. Units  bytes. */
export interface DeviceMemory {
  readonly inUse: number;
  readonly peak: number | undefined;
  readonly limit: number | undefined;
}

/** A device of a client. */
export class Device {
  readonly address: bigint;
  readonly id: number;
  /** `NVIDIA H200`. */
  readonly kind: string;
  readonly #plugin: Plugin;

  constructor(plugin: Plugin, address: bigint) {
    this.#plugin = plugin;
    this.address = address;
    const found = plugin.call('Device_GetDescription', { device: address });
    const description = found.get('description');
    this.id = plugin.call('DeviceDescription_Id', { description }).get('id');
    const kind = plugin.call('DeviceDescription_Kind', { description });
    this.kind = textFrom(kind.get('text'), kind.get('text_size'));
  }

  /** The memory that it has in use; undefined where the plugin does not count it. */
  memory(): DeviceMemory | undefined {
    return unlessLacking(() => {
      const stats = this.#plugin.call('Device_MemoryStats', { device: this.address });
      return {
        inUse: stats.get('bytes_in_use'),
        peak: stats.get('has_peak') ? stats.get('peak_bytes_in_use') : undefined,
        limit: stats.get('has_limit') ? stats.get('bytes_limit') : undefined,
      };
    });
  }
}

/** A plugin with its devices open. Calls belong to the thread that made it; they block. */
export class Client {
  readonly plugin: Plugin;
  /** `cuda`. */
  readonly platform: string;
  readonly platformVersion: string;
  readonly devices: readonly Device[];
  readonly #handle: Handle;

  /**
   * Opens devices; the options are the plugin's own.
   *
   * Throws  PjrtError, also for an option that the plugin does not know; ENGINE_UNAVAILABLE where there is no device.
   */
  constructor(plugin: Plugin, options: NamedValues = {}) {
    this.plugin = plugin;
    const { list, count } = encodeValues(options);
    const made = plugin.call('Client_Create', { create_options: list, num_options: count });
    this.#handle = new Handle(plugin, 'client', made.get('client'));
    const client = this.#handle.address;
    try {
      this.platform = plugin.text('Client_PlatformName', client);
      this.platformVersion = plugin.text('Client_PlatformVersion', client);
      const found = plugin.call('Client_AddressableDevices', { client });
      const addresses = wordsFrom(found.get('devices'), found.get('num_devices'));
      this.devices = addresses.map((address) => new Device(plugin, address));
      if (addresses.length === 0) {
        throw new TesseraError('ENGINE_UNAVAILABLE', `${plugin.path} finds no device`);
      }
    } catch (error) {
      this.#handle.destroy();
      throw error;
    }
  }

  /** Puts an array on a device; its memory is the caller's again when this returns. */
  put(array: ArrayBufferView, type: ArrayType, device: Device): DeviceBuffer {
    const size = bytesOf(type);
    assert(array.byteLength === size, `${typeText(type)} is made of ${size} bytes`);
    const args = this.plugin.call('Client_BufferFromHostBuffer', {
      ...{ client: this.#handle.address, data: array, type: ELEMENTS[type.type].code },
      ...{ dims: words(type.shape), num_dims: type.shape.length },
      ...{ host_buffer_semantics: ONLY_DURING_CALL, device: device.address },
    });
    const buffer = new DeviceBuffer(this.plugin, args.get('buffer'), type, device);
    const done = args.get('done_with_host_buffer');
    try {
      if (done !== 0n) new DeviceEvent(this.plugin, done).wait();
      return buffer;
    } catch (error) {
      buffer.destroy();
      throw error;
    }
  }

  /**
   * Compiles StableHLO text for the devices; takes seconds to minutes.
   *
   * Throws  PjrtError with the compiler's own message.
   */
  compile(text: string, options: Uint8Array, signature: Signature): LoadedProgram {
    const args = this.plugin.call('Client_Compile', {
      client: this.#handle.address,
      ...programArguments(text, options),
    });
    return new LoadedProgram(this.plugin, args.get('executable'), signature);
  }

  /**
   * Loads what `serialize` gave, here or on another machine with the same plugin and kind of device.
   *
   * Throws  PjrtError when the bytes are not such; INTERNAL when they are another program's.
   */
  load(bytes: Uint8Array, signature: Signature): LoadedProgram {
    const args = this.plugin.call('Executable_DeserializeAndLoad', {
      client: this.#handle.address,
      ...{ serialized: bytes, serialized_size: bytes.length },
    });
    return new LoadedProgram(this.plugin, args.get('loaded'), signature);
  }

  /** Closes the devices, after everything on them was destroyed. */
  destroy(): void {
    this.#handle.destroy();
  }
}
