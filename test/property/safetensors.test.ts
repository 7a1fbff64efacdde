/** @file Any tensors survive a file, and no bytes whatever do more than be refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../shared/core/errors.ts';
import { encodeSafetensors, readSafetensors } from '../../shared/weights/formats/safetensors.ts';

const content = fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
  const length = shape.reduce((product, side) => product * side, 4);
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => ({ dtype: 'F32' as const, shape, bytes }));
});
const name = fc
  .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '0', '": {'))
  .filter((text) => text !== '__metadata__');
const file = fc.tuple(
  fc.uniqueArray(
    fc.tuple(name, content).map(([name, tensor]) => ({ name, ...tensor })),
    { selector: ({ name }) => name, maxLength: 6 },
  ),
  fc.dictionary(name, fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
);

describe('safetensors', () => {
  it('a round trip gives every tensor and all metadata back', () => {
    fc.assert(
      fc.property(file, ([tensors, metadata]) => {
        const read = readSafetensors(Buffer.concat(encodeSafetensors(tensors, metadata)));
        expect(read.tensors.size).toBe(tensors.length);
        for (const { name, dtype, shape, bytes } of tensors) {
          const back = read.tensors.get(name);
          expect([back?.dtype, back?.shape]).toEqual([dtype, shape]);
          expect(Buffer.compare(back?.bytes ?? Buffer.of(), bytes)).toBe(0);
        }
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort());
      }),
      { numRuns: 200 },
    );
  });

  it('damaged or arbitrary bytes are read as something consistent or refused, nothing else', () => {
    const damaged = fc
      .tuple(file, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 }), fc.nat(40))
      .map(([[tensors, metadata], changes, cut]) => {
        const bytes = Buffer.concat(encodeSafetensors(tensors, metadata));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - cut);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          let total = 0;
          for (const { bytes: part } of readSafetensors(bytes).tensors.values())
            total += part.length;
          expect(total).toBeLessThan(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(TesseraError);
          expect((error as TesseraError).code).toBe('DATA_INVALID');
        }
      }),
      { numRuns: 500 },
    );
  });
});
