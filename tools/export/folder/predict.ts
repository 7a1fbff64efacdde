/** @file What images show, in Node: the model beside this file, by onnxruntime-node and sharp. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { cutTo, type Raster } from '../../../shared/data/pixels/raster.ts';
import { isResampled, shrinking } from '../../../shared/data/pixels/shrinking.ts';
import type { Guess } from '../../inference/top-classes.ts';
import { inChannels, type ModelFacts, type ModelIn, modelOf, planOf, squareOf } from './images.ts';

/** An image: its path, or the bytes of an image file. */
export type Image = string | URL | Uint8Array;
export type { Guess };

// ONNX Runtime reports to its makers unless this is set before it is loaded.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

/** Opens the model beside this file. */
export async function openModel(): Promise<ModelIn<Image>> {
  const ort = await import('onnxruntime-node');
  const beside = (name: string) => readFile(new URL(name, import.meta.url));
  const facts: ModelFacts = JSON.parse(String(await beside('model.json')));
  const session = await ort.InferenceSession.create(await beside('model.onnx'));
  return modelOf(facts, {
    square: (image) => decodeSquare(image, facts),
    run: async (images, shape) => {
      const { logits } = await session.run({ images: new ort.Tensor('float32', images, shape) });
      return logits?.data as Float32Array;
    },
    close: () => session.release(),
  });
}

/** Decodes an image file to the square that the model sees. */
async function decodeSquare(image: Image, facts: ModelFacts): Promise<Raster> {
  const bytes = image instanceof Uint8Array ? image : await readFile(image);
  const options = { failOn: 'warning', ignoreIcc: true, autoOrient: true } as const;
  const { data, info } = await sharp(bytes, options)
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raster = inChannels({ ...info, data, channels: info.channels as 3 | 4 }, facts);
  const plan = planOf(raster, facts);
  if (isResampled(raster, plan.scaleTo)) return squareOf(raster, facts);
  // Photos of more than a megapixel: libvips is faster than the exact filter, and what the model was trained with.
  const { width, height, channels } = raster;
  const shrunk = await sharp(raster.pixels, { raw: { width, height, channels: channels as 1 | 3 } })
    .resize(shrinking(plan.scaleTo, facts.pixels.interpolation))
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return cutTo({ ...shrunk.info, pixels: shrunk.data }, plan.cutAfter);
}
