/** @file Weights that do not fit a model: every tensor that is wrong is named at once. */
import { describe, expect, it } from 'vitest';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import type { ModelConfig } from '../../../../shared/model/variants.ts';
import { fitWeights } from '../../../../shared/weights/fit/fit.ts';
import type { SafeTensor } from '../../../../shared/weights/formats/safetensors.ts';
import { bytesOf } from '../../../../shared/weights/formats/tensor-values.ts';
import { renameWeights } from '../../../../shared/weights/names/rename.ts';

const model: ModelConfig = {
  ...{ imageSize: 8, channels: 3, patchSize: 4, numClasses: 3 },
  ...{ width: 16, depth: 2, heads: 2, mlpWidth: 32 },
};

/** Tensors of a model, each full of its place in the table. */
function tensorsOf(of: ModelConfig): Map<string, SafeTensor> {
  return new Map(
    parameterTable(of).entries.map(({ name, shape, size }, place) => [
      name,
      { dtype: 'F32', shape, bytes: bytesOf(new Float32Array(size).fill(place), 'F32') },
    ]),
  );
}

function fitted(tensors: Map<string, SafeTensor>, head: 'keep' | 'new' = 'keep'): Float32Array {
  return fitWeights({ weights: renameWeights(tensors), model, head, path: 'vit.pth' }).parameters;
}

/** The message and the hint of a refusal. */
function refusal(tensors: Map<string, SafeTensor>, head: 'keep' | 'new' = 'keep'): string[] {
  try {
    fitted(tensors, head);
  } catch (error) {
    const { code, sentence, hint } = TesseraError.from(error);
    return [code, ...sentence.split('\n'), `hint: ${hint}`];
  }
  return [];
}

function rename(tensors: Map<string, SafeTensor>, from: string, to: string): void {
  tensors.set(to, tensors.get(from)!);
  tensors.delete(from);
}

describe('weights that do not fit', () => {
  it('are refused with what is missing, of another shape and unknown, and the nearest name', () => {
    const tensors = tensorsOf(model);
    tensors.delete('norm.bias');
    rename(tensors, 'blocks.1.attn.qkv.weight', 'blocks.1.attn.qvk.weight');
    tensors.set('head.bias', { dtype: 'F32', shape: [5], bytes: new Uint8Array(20) });
    expect(refusal(tensors)).toEqual([
      'CHECKPOINT_MISMATCH',
      'vit.pth does not fit:',
      '  missing:',
      '    blocks.1.attn.qkv.weight',
      '    norm.bias',
      '  of another shape:',
      '    head.bias: [5] there, [3] in this model',
      '  unknown:',
      '    blocks.1.attn.qvk.weight (nearest: blocks.1.attn.qkv.weight)',
      'hint: tessera weights inspect shows which model the weights are of; set `model` to it',
    ]);
  });

  it('are refused where they have more blocks than the model, with the first 12 names', () => {
    const lines = refusal(tensorsOf({ ...model, depth: 4 }));
    expect(lines.slice(1, 4)).toEqual([
      'vit.pth does not fit:',
      '  unknown:',
      '    blocks.2.norm1.weight',
    ]);
    expect(lines.at(-2)).toBe('    and 12 more');
    expect(lines.join()).not.toContain('nearest');
  });

  it('are refused where position embeddings have another width', () => {
    const tensors = tensorsOf(model);
    tensors.set('pos_embed', { dtype: 'F32', shape: [1, 5, 8], bytes: new Uint8Array(160) });
    expect(refusal(tensors)).toContain('    pos_embed: [1,5,8] there, [1,5,16] in this model');
  });
});

describe('the head', () => {
  it('of other classes fits nothing when it is to be kept, and is left out when it is new', () => {
    const tensors = tensorsOf({ ...model, numClasses: 7 });
    expect(refusal(tensors)).toContain('    head.weight: [7,16] there, [3,16] in this model');
    const { entries } = parameterTable(model);
    const flat = fitted(tensors, 'new');
    for (const [place, { name, offset, size }] of entries.entries()) {
      const value = name.startsWith('head.') ? 0 : place;
      expect(new Set(flat.subarray(offset, offset + size))).toEqual(new Set([value]));
    }
  });
});
