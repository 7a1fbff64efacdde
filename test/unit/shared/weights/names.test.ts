/** @file Which tensors of a file are the model: behind any prefix, with a head of any name, beside what is not used. */
import { describe, expect, it } from 'vitest';
import { parameterTable } from '../../../../shared/model/parameters.ts';
import type { ModelConfig } from '../../../../shared/model/variants.ts';
import { fitWeights } from '../../../../shared/weights/fit/fit.ts';
import type { SafeTensor } from '../../../../shared/weights/formats/safetensors.ts';
import { bytesOf } from '../../../../shared/weights/formats/tensor-values.ts';
import { type RenameOptions, renameWeights } from '../../../../shared/weights/names/rename.ts';

const model: ModelConfig = {
  ...{ imageSize: 8, channels: 3, patchSize: 4, numClasses: 3 },
  ...{ width: 16, depth: 2, heads: 2, mlpWidth: 32 },
};
type Tensors = ReadonlyMap<string, SafeTensor>;

const filled = (shape: readonly number[], value = 1): SafeTensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'F32', shape, bytes: bytesOf(new Float32Array(size).fill(value), 'F32') };
};
/** A model, each tensor full of its place in the table (and of `more`). */
const whole = (more = 0): Tensors =>
  new Map(
    parameterTable(model).entries.map(({ name, shape }, at) => [name, filled(shape, at + more)]),
  );
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
const behind = (prefix: string, tensors = whole()) => renamed(tensors, (name) => prefix + name);
const withMore = (tensors: Tensors, more: Readonly<Record<string, readonly number[]>>): Tensors =>
  new Map([
    ...tensors,
    ...Object.entries(more).map(([name, shape]) => [name, filled(shape)] as const),
  ]);
const isHead = (name: string) => name.startsWith('head.');

function fitted(tensors: Tensors, head: 'keep' | 'new' = 'keep', options: RenameOptions = {}) {
  const weights = renameWeights(tensors, {}, options);
  return fitWeights({ weights, model, head, path: 'vit.pth' });
}
const plain = fitted(whole()).parameters;

describe('a prefix before every name', () => {
  it.each(['net.', 'teacher.', 'module.model.', '_orig_mod.', 'backbone.0.', 'a.b.c.'])(
    '%s is found and told',
    (prefix) => {
      const { parameters, notes } = fitted(behind(prefix));
      expect(parameters).toEqual(plain);
      expect(notes.join()).toContain(prefix === '_orig_mod.' ? '_orig_mod.' : `prefix "${prefix}"`);
    },
  );

  it('with the head outside of it is found', () => {
    const tensors = renamed(whole(), (name) => (isHead(name) ? name : `backbone.${name}`));
    expect(fitted(tensors).parameters).toEqual(plain);
  });

  it('of wrappers inside of blocks is left out', () => {
    const tensors = renamed(whole(), (name) =>
      name.replace('blocks.1.', 'blocks.1._fsdp_wrapped_module._checkpoint_wrapped_module.'),
    );
    expect(fitted(tensors).parameters).toEqual(plain);
  });
});

describe('two models in one file', () => {
  const both = new Map([...behind('student.', whole(5)), ...behind('teacher.')]);

  it('are refused by their names, and one is chosen by its key', () => {
    expect(() => fitted(both)).toThrow(/2 models .*"student", "teacher"/);
    const { parameters, notes } = fitted(both, 'keep', { key: 'teacher' });
    expect(parameters).toEqual(plain);
    expect(notes.join()).toContain('32 tensors not used: student.cls_token');
  });

  it('are one when their values are the same, which is told', () => {
    const { parameters, notes } = fitted(new Map([...behind('a.'), ...behind('b.')]));
    expect(parameters).toEqual(plain);
    expect(notes[0]).toBe('"a", "b" hold the same values: "a" is used');
  });

  it('of which one has no prefix are told apart too (the last one won)', () => {
    const tensors = new Map([...whole(), ...behind('model.', whole(5))]);
    expect(() => fitted(tensors)).toThrow(/2 models .*"\.", "model"/);
    expect(fitted(tensors, 'keep', { key: '.' }).parameters).toEqual(plain);
  });
});

describe('the head', () => {
  const named = (to: string) => renamed(whole(), (name) => name.replace(/^head\./, `${to}.`));

  it.each(['fc', 'classifier', 'head.fc', 'linear_head', 'last_layer', 'out', 'mlp_head'])(
    '%s is the head when nothing else can be, and told',
    (name) => {
      const { parameters, notes } = fitted(named(name));
      expect(parameters).toEqual(plain);
      expect(notes).toEqual([`${name}.weight [3,16] is used as the head`]);
    },
  );

  it('is not chosen from two layers: both are named', () => {
    const tensors = withMore(named('fc_a'), { 'fc_b.weight': [7, 16], 'fc_b.bias': [7] });
    expect(() => fitted(tensors)).toThrow(
      /more than one layer may be the head:\s+fc_a\.weight\s+fc_b\.weight/,
    );
    expect(() => fitted(tensors, 'new')).not.toThrow();
  });

  it.each([
    ['a norm in its Sequential', named('head.1'), { 'head.0.weight': [16], 'head.0.bias': [16] }],
    ['a layer before it', behind('backbone.'), { 'neck.weight': [16, 16], 'neck.bias': [16] }],
    ['a layer of representation', whole(), { 'pre_logits.fc.weight': [16, 16] }],
    ['a head on top of it', behind('backbone.'), { 'fc.weight': [2, 3], 'fc.bias': [2] }],
    ['a mean of pixels', behind('1.'), { '0.mean': [3], '0.std': [3] }],
  ])('with %s is refused, and of no matter for a new head', (_, tensors, more) => {
    const [name = ''] = Object.keys(more);
    expect(() => fitted(withMore(tensors, more))).toThrow(name);
    expect(() => fitted(withMore(tensors, more), 'new')).not.toThrow();
  });

  it('without a bias has zeros, which is told', () => {
    const tensors = new Map([...whole()].filter(([name]) => name !== 'head.bias'));
    const { parameters, notes } = fitted(tensors);
    expect([...parameters.slice(-3)]).toEqual([0, 0, 0]);
    expect(notes).toEqual(['head.weight has no bias: zeros are used']);
  });
});

describe('tensors beside a model', () => {
  it('that a classifier does not use are left and counted', () => {
    const more = {
      ...{ mask_token: [1, 1, 16], decoder_pos_embed: [1, 5, 8], 'decoder_embed.weight': [8, 16] },
      ...{ n_averaged: [], 'criterion.weight': [3], 'val_acc.tp': [3], 'blocks.0.total_ops': [1] },
      ...{ 'projector.0.weight': [64, 16], 'decoder_norm.weight': [16], logit_scale: [] },
    };
    const { parameters, notes } = fitted(withMore(whole(), more));
    expect(parameters).toEqual(plain);
    expect(notes).toEqual([
      '10 tensors not used: mask_token, decoder_pos_embed, decoder_embed.weight, ...',
    ]);
  });

  it.each([
    ...['blocks.0.ls1.gamma', 'blocks.1.attn.q_norm.weight', 'blocks.0.attn.rel_pos_bias'],
    ...['norm_pre.weight', 'fc_norm.weight', 'reg_token', 'register_tokens', 'rel_pos_bias.table'],
    ...['attn_pool.latent', 'patch_embed.norm.weight', 'blocks.0.mlp.w12.weight', 'rope.periods'],
    ...['blocks.0.gamma_1', 'cls_token_extra', 'prompt_embeddings', 'blocks.0.adapter.weight'],
    ...['blocks.2.norm1.weight', 'pos_embed_spatial', 'blocks.0.attn.qkv.lora_A.weight'],
  ])('as %s change what it computes: refused by name, for a new head too', (name) => {
    for (const tensors of [
      withMore(whole(), { [name]: [16] }),
      withMore(behind('m.'), { [`m.${name}`]: [16] }),
    ]) {
      expect(() => fitted(tensors)).toThrow(name);
      expect(() => fitted(tensors, 'new')).toThrow(name);
    }
  });

  it('that cannot be read are left, inside of the model refused by name', () => {
    const unread = new Map([['queue', 'a sparse tensor']]);
    expect(fitted(whole(), 'keep', { unread }).notes.join()).toContain('queue (a sparse tensor)');
    const inside = new Map([['norm.bias', 'a sparse tensor']]);
    const tensors = new Map([...whole()].filter(([name]) => name !== 'norm.bias'));
    expect(() => fitted(tensors, 'keep', { unread: inside })).toThrow(
      '"norm.bias" is a sparse tensor',
    );
  });
});

describe('conversions are told', () => {
  it('of float64, which is rounded', () => {
    const bytes = new Uint8Array(Float64Array.of(0.1, -2, 1e-3).buffer);
    const tensors = new Map([
      ...whole(),
      ['head.bias', { dtype: 'F64', shape: [3], bytes }] as const,
    ]);
    const { parameters, notes } = fitted(tensors);
    expect(parameters.slice(-3)).toEqual(Float32Array.of(0.1, -2, 1e-3));
    expect(notes).toEqual(['1 tensor of float64 rounded to float32']);
  });

  it('but a float64 that float32 cannot hold is refused', () => {
    const bytes = new Uint8Array(Float64Array.of(1e300, 0, 0).buffer);
    const tensors = new Map([
      ...whole(),
      ['head.bias', { dtype: 'F64', shape: [3], bytes }] as const,
    ]);
    expect(() => fitted(tensors)).toThrow('"head.bias" has 1e+300: too large for F32');
  });

  it.each([
    [1, [6], 'summed up'],
    [2, [1.5, 3], 'repeated and scaled'],
    [4, [0.75, 1.5, 2.25, 0.75], 'repeated and scaled'],
  ])('of colour weights for %i channels, as timm does', (channels, expected, words) => {
    // Of each patch, the channels hold 1, 2 and 3.
    const colours = Float32Array.from(
      { length: 16 * 3 * 16 },
      (_, i) => 1 + (Math.floor(i / 16) % 3),
    );
    const weight = { dtype: 'F32', shape: [16, 3, 4, 4], bytes: bytesOf(colours, 'F32') };
    const tensors = new Map([...whole(), ['patch_embed.proj.weight', weight] as const]);
    const other = { ...model, channels };
    const fit = fitWeights({
      weights: renameWeights(tensors),
      model: other,
      head: 'keep',
      path: 'x',
    });
    const { offset } = parameterTable(other).entries.find(
      ({ name }) => name === 'patch_embed.proj.weight',
    )!;
    const firsts = expected.map((_, channel) => fit.parameters[offset + 16 * channel]);
    expect(firsts).toEqual(expected);
    expect(fit.notes.join()).toContain(words);
  });

  it('of positions of another grid', () => {
    const tensors = new Map([...whole(), ['pos_embed', filled([1, 10, 16])] as const]);
    expect(fitted(tensors).notes.join()).toContain('3 x 3 patches are resampled to 2 x 2');
  });
});
