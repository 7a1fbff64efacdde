/** @file How a compiled program's kernels are counted. */
import { describe, expect, it } from 'vitest';
import { kernelsOf } from '../../../bench/aot/kernels.ts';
import { type Fields, integer, message, text } from '../../../shared/compute/lower/protobuf.ts';

const FLOAT32 = 11;
const BFLOAT16 = 16;

interface Instruction {
  readonly opcode: string;
  readonly shape: Fields;
  readonly fusion?: string;
  readonly config?: string;
  readonly calls?: number;
}

/** A shape; its sides packed, as the compiler writes them. */
const array = (type: number, ...sides: number[]): Fields =>
  [integer(2, type), message(3, [Uint8Array.from(sides)])].flat();

const instruction = ({ opcode, shape, fusion, config, calls }: Instruction): Fields =>
  message(
    2,
    text(2, opcode),
    message(3, shape),
    ...(fusion === undefined ? [] : [text(11, fusion)]),
    ...(calls === undefined ? [] : [integer(38, calls)]),
    ...(config === undefined ? [] : [text(43, config)]),
  );

const computation = (id: number, ...instructions: Instruction[]): Fields =>
  message(3, integer(5, id), ...instructions.map(instruction));

/** The program: field 1 of HloModuleProtoWithConfig. */
const program = (...computations: Fields[]) =>
  Buffer.concat(message(1, integer(6, 7), ...computations));

describe('kernels of a compiled program', () => {
  const triton = (kind: string) => `{"fusion_backend_config":{"kind":"${kind}"}}`;
  const matrix = array(FLOAT32, 4, 8);
  const inner = computation(
    3,
    { opcode: 'add', shape: matrix },
    { opcode: 'multiply', shape: matrix },
  );

  it('are the instructions of the entry that launch something, by kind', () => {
    const custom = { opcode: 'fusion', fusion: 'kCustom' };
    const entry = computation(
      7,
      { opcode: 'parameter', shape: matrix },
      { ...custom, shape: matrix, config: triton('__triton_nested_gemm_fusion') },
      { ...custom, shape: array(BFLOAT16, 4, 8), config: triton('__triton') },
      { opcode: 'fusion', fusion: 'kLoop', shape: matrix, calls: 3 },
      { opcode: 'bitcast', shape: matrix },
      { opcode: 'copy', shape: matrix },
    );
    const { all, kinds, bytesWritten } = kernelsOf(program(inner, entry));
    expect({ all, kinds }).toEqual({ all: 4, kinds: { product: 1, triton: 1, loop: 1, copy: 1 } });
    expect(bytesWritten).toBe(3 * 4 * 8 * 4 + 4 * 8 * 2);
  });

  it('are found in computations that are called; a tuple is written with its parts', () => {
    const pair = [message(4, matrix), message(4, array(BFLOAT16, 2))].flat();
    const called = computation(4, { opcode: 'fusion', fusion: 'kInput', shape: pair });
    const entry = computation(7, { opcode: 'call', shape: pair, calls: 4 });
    const { kinds, bytesWritten } = kernelsOf(program(called, entry));
    expect(kinds).toEqual({ input: 1 });
    expect(bytesWritten).toBe(4 * 8 * 4 + 2 * 2);
  });

  it('have one hash for one list of instructions', () => {
    const hashOf = (opcode: string) =>
      kernelsOf(program(computation(7, { opcode, shape: matrix }))).instructions;
    expect(hashOf('copy')).toBe(hashOf('copy'));
    expect(hashOf('copy')).not.toBe(hashOf('sort'));
  });
});
