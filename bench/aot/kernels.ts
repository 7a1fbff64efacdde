/**
 * @file What a compiled program does on a GPU: its kernels, by kind, and the bytes that they write.
 *
 * Read from HloModuleProtoWithConfig, which PJRT_Executable_OptimizedProgram gives.
 * Source  xla/service/hlo.proto: HloModuleProtoWithConfig { hlo_module 1 }; HloModuleProto { computations 3,
 *         entry_computation_id 6 }; HloComputationProto { instructions 2, id 5 }; HloInstructionProto { opcode 2, shape 3,
 *         fusion_kind 11, custom_call_target 28, called_computation_ids 38, backend_config 43 }; xla_data.proto:
 *         ShapeProto { element_type 2, dimensions 3, tuple_shapes 4 }.
 */
import { createHash } from 'node:crypto';

/** Kernels of one run of a program. */
export interface Kernels {
  readonly all: number;
  /** By kind: `product` (of matrices, by Triton), `triton` (other fusions of Triton), `loop`, `input`, `copy`, a target of a custom call, ... */
  readonly kinds: Readonly<Record<string, number>>;
  /** What they write to the device's memory, together. Units  bytes. */
  readonly bytesWritten: number;
  /** SHA-256 of all instructions: of two equal compilations it is the same, though other parts of a module may not be. */
  readonly instructions: string;
}

/** Instructions that launch nothing. */
const NO_KERNEL =
  /^(parameter|constant|bitcast|tuple|get-tuple-element|after-all|opt-barrier|partition-id|replica-id|.*-done|.*-update)$/;
/** Instructions that stand for the computations that they call. */
const CALLS = /^(call|while|conditional|async-start)$/;
/** Bytes of an element by xla_data.proto's PrimitiveType: PRED, S8 to S64, U8 to U64, F16, F32, F64; C64, BF16. */
const ELEMENT_BYTES = [0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 0, 0, 8, 2];

/** Counts the kernels of a compiled program. */
export function kernelsOf(program: Uint8Array): Kernels {
  const module = new Fields(new Fields(program).bytes(1)[0] as Uint8Array);
  const computations = new Map(
    module.bytes(3).map((bytes) => {
      const computation = new Fields(bytes);
      return [computation.number(5), computation.bytes(2).map((each) => new Fields(each))] as const;
    }),
  );
  const kinds: Record<string, number> = {};
  let bytesWritten = 0;
  const visit = (id: number) => {
    for (const instruction of computations.get(id) ?? []) {
      const opcode = instruction.text(2);
      if (CALLS.test(opcode)) for (const called of instruction.numbers(38)) visit(called);
      else if (!NO_KERNEL.test(opcode)) {
        const kind = kindOf(instruction, opcode);
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        bytesWritten += bytesOf(new Fields(instruction.bytes(3)[0] as Uint8Array));
      }
    }
  };
  visit(module.number(6));
  const all = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  const hash = createHash('sha256');
  for (const computation of module.bytes(3)) hash.update(computation);
  return { all, kinds, bytesWritten, instructions: hash.digest('hex') };
}

function kindOf(instruction: Fields, opcode: string): string {
  if (opcode === 'custom-call') return instruction.text(28);
  if (opcode !== 'fusion') return opcode;
  const config = instruction.text(43);
  if (/__triton\w*gemm/.test(config)) return 'product';
  if (/__triton/.test(config)) return 'triton';
  return /^kCustom$/.test(instruction.text(11))
    ? 'custom'
    : instruction.text(11).slice(1).toLowerCase();
}

function bytesOf(shape: Fields): number {
  const parts = shape.bytes(4).map((bytes) => bytesOf(new Fields(bytes)));
  const own = ELEMENT_BYTES[shape.number(2)] ?? 0;
  const size = shape.numbers(3).reduce((product, side) => product * side, own);
  return parts.reduce((sum, part) => sum + part, size);
}

/** The fields of a protocol-buffer message. */
class Fields {
  readonly #bytes = new Map<number, Uint8Array[]>();
  readonly #numbers = new Map<number, number[]>();

  constructor(message: Uint8Array) {
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = message[at++] ?? 0;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    while (at < message.length) {
      const key = varint();
      const field = Math.floor(key / 8);
      const wire = key % 8;
      if (wire === 0) push(this.#numbers, field, varint());
      else if (wire === 2) {
        const length = varint();
        push(this.#bytes, field, message.subarray(at, at + length));
        at += length;
      } else if (wire === 1) at += 8;
      else if (wire === 5) at += 4;
      else throw new Error(`not a protocol-buffer message: wire type ${wire} at byte ${at}`);
    }
  }

  bytes(field: number): Uint8Array[] {
    return this.#bytes.get(field) ?? [];
  }

  text(field: number): string {
    return Buffer.from(this.bytes(field)[0] ?? []).toString();
  }

  number(field: number): number {
    return this.#numbers.get(field)?.[0] ?? 0;
  }

  /** A repeated number, packed or not. */
  numbers(field: number): number[] {
    const packed = this.bytes(field).flatMap((bytes) => {
      const found: number[] = [];
      for (let at = 0, value = 0, scale = 1; at < bytes.length; at += 1) {
        value += ((bytes[at] as number) & 127) * scale;
        scale *= 128;
        if ((bytes[at] as number) < 128) {
          found.push(value);
          value = 0;
          scale = 1;
        }
      }
      return found;
    });
    return [...(this.#numbers.get(field) ?? []), ...packed];
  }
}

function push<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
