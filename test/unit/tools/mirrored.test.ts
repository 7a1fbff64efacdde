/** @file Test-time augmentation: mirror images, and probabilities averaged with them. */
import { expect, it } from 'vitest';
import { mirrored, withMirrored } from '../../../tools/inference/mirrored.ts';
import { softmax } from '../../../tools/inference/top-classes.ts';

it('turns each row of each channel round', () => {
  expect([...mirrored(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2)]).toEqual([
    2, 1, 4, 3, 6, 5, 8, 7,
  ]);
});

it('averages the probabilities of an image and its mirror image', async () => {
  // Two images of 2 x 2 and two classes: the logits are the first row.
  const logitsOf = async (images: Float32Array) =>
    Float32Array.of(...images.subarray(0, 2), ...images.subarray(4, 6));
  const both = withMirrored(logitsOf, { side: 2, numClasses: 2 });
  const values = await both(Float32Array.of(0, 4, 9, 9, 1, 3, 9, 9));
  const [one, two] = [values.subarray(0, 2), values.subarray(2)].map(softmax);
  // A logit pair and its reverse: the classes are equally likely.
  expect([...(one ?? [])]).toEqual([expect.closeTo(0.5), expect.closeTo(0.5)]);
  expect([...(two ?? [])]).toEqual([expect.closeTo(0.5), expect.closeTo(0.5)]);
});

it('changes nothing of a symmetric image', async () => {
  const logitsOf = async (images: Float32Array) => Float32Array.of(images[0] ?? 0, 1);
  const both = withMirrored(logitsOf, { side: 2, numClasses: 2 });
  const values = await both(Float32Array.of(3, 3, 5, 5));
  expect([...softmax(values)]).toEqual(
    [...softmax(Float32Array.of(3, 1))].map((p) => expect.closeTo(p, 6)),
  );
});
