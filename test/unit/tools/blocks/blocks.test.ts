/** @file The blocks of the model against timm's own, against the whole model, and their gradients by finite differences. */
import { describe, expect, it } from 'vitest';
import {
  classify,
  classToken,
  encoderBlock,
  features,
  gelu,
  layerNorm,
  linear,
  mlp,
  modelConfig,
  multiHeadSelfAttention,
  type ParameterTensors,
  parameterTable,
  part,
  patchEmbedding,
  tf,
  vit,
} from '../../../../model.ts';
import {
  floats,
  largestDifference,
  TIMM,
  TIMM_MODEL,
  timmOutput,
} from '../../../support/timm-blocks.ts';

const { entries } = parameterTable(TIMM_MODEL);
const parameters: ParameterTensors = Object.fromEntries(
  entries.map(({ name, shape }) => [name, tf.tensor(floats(TIMM.parameters[name]!), [...shape])]),
);
const images = tf.tensor4d(floats(TIMM.images), [2, 2, 12, 12]);
const HEADS = { heads: TIMM_MODEL.heads };
/** Of finite differences. */
const STEP = 1e-2;

describe('against timm, each block on what timm gave the one before', () => {
  const z0 = timmOutput<tf.Tensor3D>('patchEmbedding');
  const z1 = timmOutput<tf.Tensor3D>('0.block');
  const z2 = timmOutput<tf.Tensor3D>('1.block');
  const own = part(parameters, 'blocks.1');
  const timm = (name: string) => timmOutput<tf.Tensor3D>(`1.${name}`);
  const probabilities: tf.Tensor[] = [];
  it.each([
    ['patchEmbedding', () => patchEmbedding(images, parameters, TIMM_MODEL), z0],
    ['the first encoderBlock', () => encoderBlock(z0, part(parameters, 'blocks.0'), HEADS), z1],
    ['layerNorm', () => layerNorm(z1, part(own, 'norm1')), timm('norm1')],
    [
      'multiHeadSelfAttention',
      () =>
        multiHeadSelfAttention(timm('norm1'), part(own, 'attn'), HEADS, (p) =>
          probabilities.push(p),
        ),
      timm('attn'),
    ],
    ['its probabilities', () => probabilities[0] as tf.Tensor, timmOutput('1.probabilities')],
    ['mlp', () => mlp(timm('norm2'), part(own, 'mlp')), timm('mlp')],
    ['the second encoderBlock', () => encoderBlock(z1, own, HEADS), z2],
    ['classToken', () => classToken(z2, parameters), timmOutput('classToken')],
    ['classify', () => classify(timmOutput('classToken'), parameters), timmOutput('logits')],
    ['features', () => features(images, parameters, TIMM_MODEL), timmOutput('classToken')],
    ['vit', () => vit(images, parameters, TIMM_MODEL), timmOutput('logits')],
  ] as const)('%s is the same within 1e-6', (_, compute, expected) => {
    expect(largestDifference(compute(), expected)).toBeLessThan(1e-6);
  });

  it('gelu is the exact one', () => {
    const y = gelu(tf.tensor1d(floats(TIMM.gelu.x)));
    expect(largestDifference(y, tf.tensor1d(floats(TIMM.gelu.y)))).toBeLessThan(1e-6);
  });
});

describe('the blocks put together', () => {
  it('are the whole model within 1e-6', () => {
    let z = patchEmbedding(images, parameters, { patchSize: 4 });
    for (const block of [0, 1]) {
      const own = part(parameters, `blocks.${block}`);
      z = tf.add(
        z,
        multiHeadSelfAttention(layerNorm(z, part(own, 'norm1')), part(own, 'attn'), HEADS),
      );
      z = tf.add(z, mlp(layerNorm(z, part(own, 'norm2')), part(own, 'mlp')));
    }
    const logits = classify(classToken(z, parameters), parameters);
    expect(largestDifference(logits, vit(images, parameters, TIMM_MODEL))).toBeLessThan(1e-6);
  });

  it('take rows as well as tokens', () => {
    const z = timmOutput<tf.Tensor3D>('0.block');
    const rows = tf.reshape(z, [20, 12]) as tf.Tensor2D;
    const own = part(parameters, 'blocks.1');
    const inRows = encoderBlock(rows, own, { ...HEADS, tokens: 10 });
    expect(inRows.shape).toEqual([20, 12]);
    expect(largestDifference(tf.reshape(inRows, [2, 10, 12]), encoderBlock(z, own, HEADS))).toBe(0);
    const y = classToken(rows, parameters, { tokens: 10 });
    expect(largestDifference(y, classToken(z, parameters))).toBe(0);
  });

  it('give their hooks what they compute, and go on with what those return', () => {
    const own = part(parameters, 'blocks.0');
    const seen: string[] = [];
    const z = timmOutput<tf.Tensor3D>('patchEmbedding');
    const skipped = encoderBlock(z, own, HEADS, {
      dropout: (x, layer) => {
        seen.push(`${layer} ${x.shape}`);
        return x;
      },
      path: (x, branch) => {
        seen.push(`${branch} ${x.shape}`);
        return tf.zerosLike(x);
      },
      attention: ({ shape }) => void seen.push(`probabilities ${shape}`),
    });
    expect(largestDifference(skipped, z)).toBe(0);
    expect(seen).toEqual([
      ...['probabilities 2,3,10,10', 'attn 20,12', 'attn 2,10,12'],
      ...['mlp.fc1 20,24', 'mlp.fc2 20,12', 'mlp 2,10,12'],
    ]);
    const places: string[] = [];
    vit(images, parameters, TIMM_MODEL, {
      dropout: (x, place) => {
        places.push(place);
        return x;
      },
      path: (x, place) => {
        places.push(`path ${place}`);
        return x;
      },
      block: (x, block) => {
        places.push(`block ${block}`);
        return x;
      },
    });
    expect(places).toEqual([
      'embed',
      ...[0, 1].flatMap((block) => [
        `block ${block}`,
        ...[`blocks.${block}.attn`, `path blocks.${block}.attn`, `blocks.${block}.mlp.fc1`],
        ...[`blocks.${block}.mlp.fc2`, `path blocks.${block}.mlp`],
      ]),
    ]);
  });
});

type Block = (x: tf.Tensor, parameters: ParameterTensors) => tf.Tensor;

/** The parameters whose names begin with one of some words. */
function only(...words: readonly string[]): ParameterTensors {
  const chosen = Object.entries(parameters).filter(([name]) =>
    words.some((w) => name.startsWith(w)),
  );
  return Object.fromEntries(chosen);
}

describe('gradients flow through', () => {
  const x = timmOutput<tf.Tensor3D>('1.norm1');
  const own = part(parameters, 'blocks.1');
  it.each<[string, tf.Tensor, ParameterTensors, Block]>([
    [
      'patchEmbedding',
      images,
      only('cls_token', 'pos_embed', 'patch_embed'),
      (x, p) => patchEmbedding(x as tf.Tensor4D, p, TIMM_MODEL),
    ],
    ['layerNorm', x, part(own, 'norm1'), (x, p) => layerNorm(x as tf.Tensor3D, p)],
    ['linear', x, part(own, 'mlp.fc1'), (x, p) => linear(x as tf.Tensor3D, p)],
    ['gelu', x, {}, gelu],
    [
      'multiHeadSelfAttention',
      x,
      part(own, 'attn'),
      (x, p) => multiHeadSelfAttention(x as tf.Tensor3D, p, HEADS),
    ],
    ['mlp', x, part(own, 'mlp'), (x, p) => mlp(x as tf.Tensor3D, p)],
    ['encoderBlock', x, own, (x, p) => encoderBlock(x as tf.Tensor3D, p, HEADS)],
    ['classToken', x, only('norm'), (x, p) => classToken(x as tf.Tensor3D, p)],
    ['classify', timmOutput('classToken'), only('head'), (x, p) => classify(x as tf.Tensor2D, p)],
    ['vit', images, parameters, (x, p) => vit(x as tf.Tensor4D, p, TIMM_MODEL)],
  ])('%s to its input and each parameter, as finite differences say', (_, x, given, block) => {
    const names = Object.keys(given);
    const loss = (...[input, ...values]: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, at) => [name, values[at] as tf.Tensor]));
      const y = block(input as tf.Tensor, named);
      // Every output counts, each differently.
      const weights = tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape);
      return tf.sum(tf.mul(y, weights)) as tf.Scalar;
    };
    const inputs = [x, ...Object.values(given)];
    const gradients = tf.grads((...some) => loss(...some))(inputs);
    for (const [at, gradient] of gradients.entries()) {
      const length = tf.norm(gradient).dataSync()[0] as number;
      expect(length).toBeGreaterThan(0);
      // Along the gradient itself the slope is its length.
      const lossAt = (distance: number) => {
        const moved = tf.add(inputs[at] as tf.Tensor, tf.mul(gradient, distance / length));
        return loss(...inputs.with(at, moved)).dataSync()[0] as number;
      };
      const slope = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
      expect(slope / length, ['the input', ...names][at]).toBeCloseTo(1, 2);
    }
  });
});

describe('what does not fit is refused in words', () => {
  const z = timmOutput<tf.Tensor3D>('patchEmbedding');
  it.each([
    ['patches of 5 x 5 do not divide', () => patchEmbedding(images, parameters, { patchSize: 5 })],
    [
      '5 heads do not divide a width of 12',
      () => encoderBlock(z, part(parameters, 'blocks.0'), { heads: 5 }),
    ],
    ['no part "blocks.2" among the 32 parameters', () => part(parameters, 'blocks.2')],
    ['no parameter "weight"', () => layerNorm(z, part(parameters, 'blocks.0'))],
    ['how many tokens', () => classToken(tf.zeros([20, 12]) as tf.Tensor2D, parameters)],
    ['do not divide an image of 30', () => modelConfig('B/16', { classes: 3, imageSize: 30 })],
    ['expected a ViT variant such as B/16', () => modelConfig('C/16', { classes: 3 })],
  ])('%s', (sentence, attempt) => expect(attempt).toThrow(sentence));
});
