// Original file: proto/tessera/v1/exchange.proto

/**
 * Values of a vector on the wire, little endian.
 */
export const ValueType = {
  VALUE_TYPE_FLOAT32: 'VALUE_TYPE_FLOAT32',
  /**
   * The upper half of a float32.
   */
  VALUE_TYPE_BFLOAT16: 'VALUE_TYPE_BFLOAT16',
} as const;

/**
 * Values of a vector on the wire, little endian.
 */
export type ValueType =
  | 'VALUE_TYPE_FLOAT32'
  | 0
  /**
   * The upper half of a float32.
   */
  | 'VALUE_TYPE_BFLOAT16'
  | 1

/**
 * Values of a vector on the wire, little endian.
 */
export type ValueType__Output = typeof ValueType[keyof typeof ValueType]
