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
import { type Fields, float, integer, message, text } from './protobuf.ts';

/** ONNX's numbers for types. Source  onnx.proto TensorProto.DataType. */
export const ONNX_TYPES: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

const IR_VERSION = 8;
const OPSET_VERSION = 17;
const MICROSOFT_OPSET_VERSION = 1;
/** AttributeProto.AttributeType. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** Encodes a graph as the bytes of an ONNX model; `metadata` is what the model says of itself. */
export function encodeOnnx(
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { nodes, constants, inputs, outputs } = graph;
  const opset = (domain: string, version: number) =>
    message(8, text(1, domain), integer(2, version));
  const fields = [
    integer(1, IR_VERSION),
    text(2, 'tessera'),
    message(
      7,
      ...nodes.map(encodeNode),
      text(2, 'step'),
      ...constants.map(encodeTensor),
      ...inputs.map((value) => encodeValueInfo(11, value)),
      ...outputs.map((value) => encodeValueInfo(12, value)),
    ),
    opset('', OPSET_VERSION),
    opset('com.microsoft', MICROSOFT_OPSET_VERSION),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  ];
  return Buffer.concat(fields.flat());
}

function encodeNode({ op, domain, inputs, outputs, attributes }: OnnxNode): Fields {
  return message(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      message(5, text(1, name), ...encodeAttribute(value)),
    ),
    text(7, domain),
  );
}

function encodeAttribute(value: Attribute): readonly Fields[] {
  if (typeof value === 'number') return [integer(3, value), integer(20, ATTRIBUTE_INT)];
  if ('float' in value) return [float(2, value.float), integer(20, ATTRIBUTE_FLOAT)];
  return [...value.map((item) => integer(8, item)), integer(20, ATTRIBUTE_INTS)];
}

function encodeTensor({ name, shape, type, data }: OnnxConstant): Fields {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const dimensions = shape.map((side) => integer(1, side));
  const contents = message(9, [raw]);
  return message(5, ...dimensions, integer(2, ONNX_TYPES[type]), text(8, name), contents);
}

function encodeValueInfo(field: number, { name, shape, type }: OnnxValue): Fields {
  const dimensions = shape.map((side) =>
    message(1, typeof side === 'string' ? text(2, side) : integer(1, side)),
  );
  const tensor = message(1, integer(1, ONNX_TYPES[type]), message(2, ...dimensions));
  return message(field, text(1, name), message(2, tensor));
}
