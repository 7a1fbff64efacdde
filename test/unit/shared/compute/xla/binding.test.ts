/** @file The PJRT binding on the CPU plugin: arrays, programs, devices, errors, and that nothing is left behind. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceBuffer } from '../../../../../shared/compute/engines/xla/buffer.ts';
import { Client, type Device } from '../../../../../shared/compute/engines/xla/client.ts';
import { encodeCompileOptions } from '../../../../../shared/compute/engines/xla/compile-options.ts';
import type { ArrayType } from '../../../../../shared/compute/engines/xla/elements.ts';
import { liveHandles } from '../../../../../shared/compute/engines/xla/handle.ts';
import { PjrtError, Plugin } from '../../../../../shared/compute/engines/xla/plugin.ts';
import { Topology } from '../../../../../shared/compute/engines/xla/topology.ts';
import { lacksXlaCpu, XLA_CPU } from '../../../../support/xla.ts';

const VECTOR: ArrayType = { shape: [4], type: 'float32' };
const ADD = `module @m { func.func public @main(%a: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.add %a, %b : tensor<4xf32>
  return %0 : tensor<4xf32> } }`;
const SIGNATURE = { inputs: [VECTOR, VECTOR], outputs: [VECTOR] };
const OPTIONS = encodeCompileOptions();

const numbers = (...values: number[]) => Float32Array.from(values);
const read = (buffer: DeviceBuffer) => [...buffer.read(new Float32Array(4))];
const statusOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof PjrtError) return error.status;
    throw error;
  }
  return 'OK';
};

describe.skipIf(lacksXlaCpu('the PJRT binding'))('PJRT', () => {
  let plugin: Plugin;
  let client: Client;
  let first: Device;
  let second: Device;
  let before: ReturnType<typeof liveHandles>;

  // Not where tests are listed, which also happens where there is no plugin.
  beforeAll(() => {
    plugin = new Plugin(XLA_CPU as string);
    client = new Client(plugin, { cpu_device_count: 2 });
    [first, second] = client.devices as [Device, Device];
    before = liveHandles();
  });

  afterEach(() => expect(liveHandles()).toEqual(before));

  it('knows its plugin, platform and devices', () => {
    expect(plugin.apiVersion).toMatch(/^0\.11[567]$/);
    expect(client.platform).toBe('cpu');
    expect(client.devices.map(({ id, kind }) => [id, kind])).toEqual([
      [0, 'cpu'],
      [1, 'cpu'],
    ]);
    expect(client.devices[0]?.memory()).toBeUndefined();
  });

  it('puts arrays on a device and reads them, each type and rank', () => {
    const cases: [ArrayType, ArrayBufferView][] = [
      [{ shape: [], type: 'float32' }, numbers(3)],
      [{ shape: [2, 3], type: 'float32' }, numbers(1, 2, 3, 4, 5, 6)],
      [{ shape: [2, 1, 2], type: 'int32' }, Int32Array.from([1, -2, 3, -4])],
      [{ shape: [3], type: 'bool' }, Uint8Array.from([1, 0, 1])],
      [{ shape: [3], type: 'uint8' }, Uint8Array.from([255, 0, 7])],
      [{ shape: [2], type: 'float16' }, Uint16Array.from([0x3c00, 0xc000])],
      [{ shape: [0], type: 'float32' }, numbers()],
    ];
    for (const [type, array] of cases) {
      const buffer = client.put(array, type, first);
      const back = new (array.constructor as Float32ArrayConstructor)(
        (array as Float32Array).length,
      );
      expect(buffer.read(back)).toEqual(array);
      buffer.destroy();
      buffer.destroy();
    }
    expect(() => client.put(numbers(1, 2), VECTOR, first)).toThrow(/float32 \[4\] is made of 16/);
  });

  it('runs a program on either device; an argument that it takes over is gone', () => {
    const program = client.compile(ADD, OPTIONS, SIGNATURE);
    for (const device of client.devices) {
      const a = client.put(numbers(1, 2, 3, 4), VECTOR, device);
      const b = client.put(numbers(10, 20, 30, 40), VECTOR, device);
      const [sum] = program.execute([a, b], device) as [DeviceBuffer];
      expect(read(sum)).toEqual([11, 22, 33, 44]);
      expect([a.isTaken, b.isTaken]).toEqual([true, false]);
      expect(statusOf(() => program.execute([a, b], device))).toBe('INVALID_ARGUMENT');
      for (const buffer of [a, b, sum]) buffer.destroy();
    }
    program.destroy();
  });

  it('copies from device to device', () => {
    const here = client.put(numbers(1, 2, 3, 4), VECTOR, first);
    const there = here.copyTo(second);
    here.destroy();
    there.wait();
    expect(there.device).toBe(second);
    expect(read(there)).toEqual([1, 2, 3, 4]);
    there.destroy();
  });

  it('checks the arguments of a program: count, types, shapes, device', () => {
    const program = client.compile(ADD, OPTIONS, SIGNATURE);
    const right = client.put(numbers(1, 2, 3, 4), VECTOR, first);
    const other = client.put(numbers(1, 2, 3, 4), VECTOR, second);
    const integers = client.put(Int32Array.of(1, 2, 3, 4), { shape: [4], type: 'int32' }, first);
    const square = client.put(numbers(1, 2, 3, 4), { shape: [2, 2], type: 'float32' }, first);
    expect(() => program.execute([right], first)).toThrow(/takes 2 arguments/);
    expect(() => program.execute([right, integers], first)).toThrow(/not int32 \[4\]/);
    expect(() => program.execute([square, right], first)).toThrow(
      /float32 \[4\], not float32 \[2, 2\]/,
    );
    expect(() => program.execute([right, other], first)).toThrow(/on the device of the program/);
    for (const buffer of [right, other, integers, square]) buffer.destroy();
    expect(() => program.execute([right, right], first)).toThrow(/not used again/);
    program.destroy();
  });

  it('keeps a program as bytes, and refuses bytes that are another program or none', () => {
    const program = client.compile(ADD, OPTIONS, SIGNATURE);
    const bytes = program.serialize();
    program.destroy();
    const loaded = client.load(bytes, SIGNATURE);
    const [a, b] = [
      client.put(numbers(1, 2, 3, 4), VECTOR, second),
      client.put(numbers(1, 1, 1, 1), VECTOR, second),
    ];
    const [sum] = loaded.execute([a, b], second) as [DeviceBuffer];
    expect(read(sum)).toEqual([2, 3, 4, 5]);
    for (const owned of [a, b, sum, loaded]) owned.destroy();
    const wrong = { ...SIGNATURE, outputs: [{ shape: [5], type: 'float32' } as const] };
    expect(() => client.load(bytes, wrong)).toThrow(
      /gives float32 \[4\] in place of float32 \[5\]/,
    );
    expect(statusOf(() => client.load(Buffer.from('not a program'), SIGNATURE))).toBe(
      'INVALID_ARGUMENT',
    );
  });

  it('says what a program takes of memory', () => {
    const program = client.compile(ADD, OPTIONS, SIGNATURE);
    expect(program.memory()).toMatchObject({ arguments: 32, outputs: 16, aliases: 16 });
    // This plugin says nothing of costs.
    expect(program.cost()).toBeUndefined();
    program.destroy();
  });

  it('says UNIMPLEMENTED for what this plugin lacks: devices that are not here', () => {
    expect(statusOf(() => new Topology(plugin, 'x', {}))).toBe('UNIMPLEMENTED');
  });

  it('passes on what the compiler says of a bad program, an unknown flag and an unknown option', () => {
    const compile = (text: string, options = OPTIONS) => client.compile(text, options, SIGNATURE);
    expect(() => compile('module { nothing }')).toThrow(/PJRT Client_Compile: .*error/);
    expect(() => compile(ADD, encodeCompileOptions({ xla_no_such_flag: true }))).toThrow(
      /INVALID_ARGUMENT: No such compile option/,
    );
    expect(() => new Client(plugin, { no_such_option: 1 })).toThrow(/no_such_option/);
    compile(ADD, encodeCompileOptions({ xla_allow_excess_precision: false })).destroy();
  });
});
