/**
 * @file Writes a graph as an ONNX model: protocol-buffer bytes in, nothing else.
 *
 * Source  onnx.proto (ONNX IR version 8): field numbers of ModelProto, GraphProto, NodeProto,
 *         AttributeProto, TensorProto, ValueInfoProto.
 */
import type {
  Attribute,
  OnnxConstant,
  OnnxGraph,
  OnnxNode,
  OnnxType,
  OnnxValue,
} from './onnx-graph.ts';

/** ONNX's numbers for types. Source  onnx.proto TensorProto.DataType. */
export const ONNX_TYPES: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
};

const IR_VERSION = 8;
const OPSET_VERSION = 17;
const MICROSOFT_OPSET_VERSION = 1;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** A protocol-buffer message under construction. */
class Message {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  integer(field: number, value: number): this {
    return this.#append(varint(field * 8)).#append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#append(varint(field * 8 + 5)).#append(bytes);
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#append(varint(field * 8 + 2))
      .#append(varint(value.length))
      .#append(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  messages(field: number, values: readonly Message[]): this {
    for (const value of values) this.message(field, value);
    return this;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#size += part.length;
    return this;
  }
}

/** Variable-length integer; a negative one is 64-bit two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

/** Encodes a graph as the bytes of an ONNX model; `metadata` is what the model says of itself. */
export function encodeOnnx(
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) =>
    new Message().text(1, key).text(2, value),
  );
  const opset = (domain: string, version: number) =>
    new Message().text(1, domain).integer(2, version);
  return new Message()
    .integer(1, IR_VERSION)
    .text(2, 'tessera')
    .message(7, encodeGraph(graph))
    .message(8, opset('', OPSET_VERSION))
    .message(8, opset('com.microsoft', MICROSOFT_OPSET_VERSION))
    .messages(14, entries)
    .finish();
}

function encodeGraph(graph: OnnxGraph): Message {
  return new Message()
    .messages(1, graph.nodes.map(encodeNode))
    .text(2, 'step')
    .messages(5, graph.constants.map(encodeTensor))
    .messages(11, graph.inputs.map(encodeValueInfo))
    .messages(12, graph.outputs.map(encodeValueInfo));
}

function encodeNode(node: OnnxNode): Message {
  const message = new Message();
  for (const name of node.inputs) message.text(1, name);
  for (const name of node.outputs) message.text(2, name);
  message.text(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    message.message(5, encodeAttribute(name, value));
  }
  return message.text(7, node.domain);
}

function encodeAttribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE_INT);
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE_FLOAT);
  for (const item of value) message.integer(8, item);
  return message.integer(20, ATTRIBUTE_INTS);
}

function encodeTensor({ name, shape, type, data }: OnnxConstant): Message {
  const message = new Message();
  for (const side of shape) message.integer(1, side);
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message.integer(2, ONNX_TYPES[type]).text(8, name).bytes(9, raw);
}

function encodeValueInfo({ name, shape, type }: OnnxValue): Message {
  const dimensions = new Message().messages(
    1,
    shape.map((side) => new Message().integer(1, side)),
  );
  const tensor = new Message().integer(1, ONNX_TYPES[type]).message(2, dimensions);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}
