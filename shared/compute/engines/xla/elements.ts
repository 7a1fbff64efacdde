/** @file Element types of arrays on devices, and the shape and type that an argument must have. */

/** What an array may be made of: PJRT's number of it, and bytes of one. Source  PJRT_Buffer_Type. */
export const ELEMENTS = {
  bool: { code: 1, bytes: 1 },
  int32: { code: 4, bytes: 4 },
  uint8: { code: 6, bytes: 1 },
  float16: { code: 10, bytes: 2 },
  float32: { code: 11, bytes: 4 },
} as const;

type ElementType = keyof typeof ELEMENTS;

/** Shape and element type of an array. */
export interface ArrayType {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** Bytes of an array in row-major order. */
export function bytesOf({ shape, type }: ArrayType): number {
  return shape.reduce((size, side) => size * side, ELEMENTS[type].bytes);
}

/** An array's type for people: `float32 [2, 3]`. */
export function typeText({ shape, type }: ArrayType): string {
  return `${type} [${shape.join(', ')}]`;
}

/** Whether two arrays have one type. */
export function sameType(a: ArrayType, b: ArrayType): boolean {
  return (
    a.type === b.type &&
    a.shape.length === b.shape.length &&
    a.shape.every((side, axis) => side === b.shape[axis])
  );
}
