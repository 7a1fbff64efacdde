/** @file A real pretrained ViT-Ti/16, through the compiled engine, against logits computed elsewhere in float64. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../../../shared/compute/engines/registry.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import { parseVariant } from '../../../../shared/model/variants.ts';
import { readSafetensors } from '../../../../shared/weights/formats/safetensors.ts';
import { float32Of } from '../../../../shared/weights/formats/tensor-values.ts';
import { CPU_COMPILED } from '../../../support/compute.ts';

const SHARED =
  process.env['TESSERA_SHARED'] ?? resolve(import.meta.dirname, '../../../../../shared');
const WEIGHTS = join(SHARED, 'weights/vit_tiny_patch16_224.f32.safetensors');
if (!existsSync(WEIGHTS)) process.stderr.write(`skipped: there are no weights at ${WEIGHTS}\n`);

describe.skipIf(!existsSync(WEIGHTS))('pretrained ViT-Ti/16', () => {
  it('gives the reference logits within 1e-4', async () => {
    const model = { ...parseVariant('Ti/16'), imageSize: 224, channels: 3, numClasses: 1000 };
    const table = parameterTable(model);
    const { tensors } = readSafetensors(readFileSync(WEIGHTS));
    expect([...tensors.keys()].sort()).toEqual(table.entries.map(({ name }) => name).sort());
    const parameters = new Float32Array(table.size);
    for (const { name, offset } of table.entries) {
      parameters.set(float32Of(tensors.get(name)!, name), offset);
    }
    const spec = { model, microBatch: 1, labelSmoothing: 0 };
    const program = await compileProgram(spec, CPU_COMPILED);
    program.setParameters(parameters);
    const images = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(0.001 * i));
    const logits = await program.predict(images);

    const parity = JSON.parse(readFileSync(join(SHARED, 'weights/parity.json'), 'utf8'));
    for (const [i, expected] of (parity.logits_0_9 as number[]).entries()) {
      expect(Math.abs(logits[i]! - expected)).toBeLessThanOrEqual(1e-4);
    }
    const sum = logits.reduce((total, value) => total + value, 0);
    const sumOfSquares = logits.reduce((total, value) => total + value * value, 0);
    expect(Math.abs(sum - parity.logits_sum)).toBeLessThan(1e-2);
    expect(sumOfSquares / parity.logits_sumsq).toBeCloseTo(1, 5);
    expect(logits.indexOf(Math.max(...logits))).toBe(parity.top1);
  });
});
