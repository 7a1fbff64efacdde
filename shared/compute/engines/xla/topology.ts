/** @file Devices that are not here, to compile for: the plugin needs a description of them, not the device. */
import { CompiledProgram, programArguments } from './executable.ts';
import { Handle } from './handle.ts';
import { encodeValues, type NamedValues } from './named-values.ts';
import type { Plugin } from './plugin.ts';

/** A kind of devices and how many there are. */
export class Topology {
  readonly #handle: Handle;

  /**
   * Describes devices: for CUDA by the options `target_config`, a GpuTargetConfigProto as text, and `topology`
   * (`1x1x1`); for a TPU by the name (`v5e:2x2`).
   *
   * Throws  PjrtError.
   */
  constructor(plugin: Plugin, name: string, options: NamedValues = {}) {
    const { list, count } = encodeValues(options);
    const bytes = Buffer.from(name);
    const made = plugin.call('TopologyDescription_Create', {
      ...{ name: bytes, name_size: bytes.length, create_options: list, num_options: count },
    });
    this.#handle = new Handle(plugin, 'topology', made.get('topology'));
  }

  /** Compiles StableHLO text for the devices. Throws  PjrtError. */
  compile(text: string, options: Uint8Array): CompiledProgram {
    const { plugin, address } = this.#handle;
    const args = plugin.call('Compile', { topology: address, ...programArguments(text, options) });
    return new CompiledProgram(plugin, args.get('executable'));
  }

  destroy(): void {
    this.#handle.destroy();
  }
}
