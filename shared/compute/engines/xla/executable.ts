/** @file Compiled programs: for no device, and on devices. */
import { assert, TesseraError } from '../../../core/errors.ts';
import type { PartMemory } from '../../program.ts';
import { EXECUTE_OPTIONS, PROGRAM } from './abi.ts';
import { DeviceBuffer } from './buffer.ts';
import type { Device } from './client.ts';
import { type ArrayType, ELEMENTS, sameType, typeText } from './elements.ts';
import { Handle } from './handle.ts';
import { callDeleter, copyFrom, intsFrom, pointerTo, Struct, words, wordsFrom } from './memory.ts';
import { decodeValues } from './named-values.ts';
import { type Plugin, unlessLacking } from './plugin.ts';

/** What a program takes and gives; the plugin itself checks sizes only. */
export interface Signature {
  readonly inputs: readonly ArrayType[];
  readonly outputs: readonly ArrayType[];
}

/** The arguments with which a program is compiled. */
export function programArguments(text: string, options: Uint8Array) {
  const code = Buffer.from(text);
  const format = Buffer.from('mlir');
  const program = new Struct(PROGRAM, {
    ...{ code, code_size: code.length, format, format_size: format.length },
  });
  return { program, compile_options: options, compile_options_size: options.length };
}

/** A compiled program. */
export class CompiledProgram {
  protected readonly plugin: Plugin;
  readonly #handle: Handle;

  constructor(plugin: Plugin, executable: bigint) {
    this.plugin = plugin;
    this.#handle = new Handle(plugin, 'executable', executable);
  }

  protected get executable(): bigint {
    return this.#handle.address;
  }

  /** Bytes that `Client.load` takes. Two compilations of one text may give different bytes. */
  serialize(): Uint8Array {
    const args = this.plugin.call('Executable_Serialize', { executable: this.executable });
    const bytes = copyFrom(args.get('bytes'), args.get('bytes_size'));
    callDeleter(args.get('deleter'), args.get('serialized'));
    return bytes;
  }

  /** What it takes of a device's memory. */
  memory(): PartMemory {
    const { executable } = this;
    const args = this.plugin.call('Executable_GetCompiledMemoryStats', { executable });
    return {
      code: args.get('code'),
      arguments: args.get('arguments'),
      outputs: args.get('outputs'),
      aliases: args.get('aliases'),
      temporary: args.get('temporary'),
      peak: args.get('peak') || undefined,
    };
  }

  /** What the compiler says of its cost, by XLA's names (`flops`); undefined where the plugin does not say. */
  cost(): ReadonlyMap<string, string | number> | undefined {
    const { executable } = this;
    return unlessLacking(() => {
      const args = this.plugin.call('Executable_GetCostAnalysis', { executable });
      return decodeValues(args.get('properties'), args.get('num_properties'));
    });
  }

  /** What the compiler made of it, an HloModuleProtoWithConfig. */
  optimized(): Uint8Array {
    const { executable } = this;
    // The first call says how many bytes there are.
    const asked = new Struct(PROGRAM);
    this.plugin.call('Executable_OptimizedProgram', { executable, program: asked });
    const code = new Uint8Array(asked.get('code_size'));
    const program = new Struct(PROGRAM, { code, code_size: code.byteLength });
    this.plugin.call('Executable_OptimizedProgram', { executable, program });
    return code;
  }

  /** What it gives, by the plugin's own account. */
  outputs(): ArrayType[] {
    const { executable } = this;
    const types = this.plugin.call('Executable_OutputElementTypes', { executable });
    const codes = intsFrom(types.get('types'), types.get('num_types'));
    const dimensions = this.plugin.call('Executable_OutputDimensions', { executable });
    const ranks = wordsFrom(dimensions.get('dim_sizes'), codes.length).map(Number);
    const sides = wordsFrom(
      dimensions.get('dims'),
      ranks.reduce((sum, rank) => sum + rank, 0),
    ).map(Number);
    return codes.map((code, index) => {
      const known = Object.entries(ELEMENTS).find(([, element]) => element.code === code);
      const type = (known?.[0] ?? `type ${code}`) as ArrayType['type'];
      return { type, shape: sides.splice(0, ranks[index] as number) };
    });
  }

  destroy(): void {
    this.#handle.destroy();
  }
}

/** A program that devices can run. */
export class LoadedProgram extends CompiledProgram {
  readonly #loaded: Handle;
  readonly #signature: Signature;

  /** Throws  INTERNAL when the program gives something else than its signature says. */
  constructor(plugin: Plugin, loaded: bigint, signature: Signature) {
    const handle = new Handle(plugin, 'loadedExecutable', loaded);
    try {
      super(plugin, plugin.call('LoadedExecutable_GetExecutable', { loaded }).get('executable'));
    } catch (error) {
      handle.destroy();
      throw error;
    }
    this.#loaded = handle;
    this.#signature = signature;
    const outputs = this.outputs();
    const isSame =
      outputs.length === signature.outputs.length &&
      outputs.every((type, index) => sameType(type, signature.outputs[index] as ArrayType));
    if (isSame) return;
    this.destroy();
    throw new TesseraError(
      'INTERNAL',
      `a program gives ${listText(outputs)} in place of ${listText(signature.outputs)}`,
    );
  }

  /**
   * Starts the program on the device of its arguments. Outputs, which belong to the caller, are there at once, their
   * contents later. An argument that the program takes over is still to be destroyed.
   *
   * Throws  INTERNAL for other arguments than it was compiled for; PjrtError.
   */
  execute(args: readonly DeviceBuffer[], device: Device): DeviceBuffer[] {
    const { inputs, outputs } = this.#signature;
    assert(args.length === inputs.length, `a program takes ${inputs.length} arguments`);
    for (const [index, { type, device: place }] of args.entries()) {
      const wanted = inputs[index] as ArrayType;
      assert(
        sameType(type, wanted),
        `argument ${index} is ${typeText(wanted)}, not ${typeText(type)}`,
      );
      assert(place === device, `argument ${index} is on the device of the program`);
    }
    const given = words(args.map(({ address }) => address));
    const made = words(outputs.map(() => 0n));
    this.plugin.call('LoadedExecutable_Execute', {
      executable: this.#loaded.address,
      options: new Struct(EXECUTE_OPTIONS),
      ...{ argument_lists: pointerTo(given), num_devices: 1, num_args: args.length },
      ...{ output_lists: pointerTo(made), execute_device: device.address },
    });
    return outputs.map(
      (type, index) => new DeviceBuffer(this.plugin, made[index] as bigint, type, device),
    );
  }

  override destroy(): void {
    super.destroy();
    this.#loaded.destroy();
  }
}

function listText(types: readonly ArrayType[]): string {
  return types.map(typeText).join(', ') || 'nothing';
}
