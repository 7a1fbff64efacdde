/** @file What images show, in a browser: the model beside this file, by onnxruntime-web. */
import * as ort from 'onnxruntime-web';
import type { Raster } from '../../../shared/data/pixels/raster.ts';
import type { Guess } from '../../inference/top-classes.ts';
import { inChannels, type ModelFacts, type ModelIn, modelOf, squareOf } from './images.ts';

/** An image: a file that was chosen or dropped, or what fetch(...).blob() gives. */
export type Image = Blob;
export type { Guess };

/** What of a browser is used here. */
declare function createImageBitmap(image: Blob, options: object): Promise<Bitmap>;
declare class OffscreenCanvas {
  constructor(width: number, height: number);
  getContext(kind: '2d', options: object): Context;
}
interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}
interface Context {
  drawImage(image: Bitmap, x: number, y: number): void;
  getImageData(
    x: number,
    y: number,
    width: number,
    height: number,
  ): { readonly data: Uint8ClampedArray };
}

/** Opens the model of a folder, by default the one that this file is in. */
export async function openModel(folder = new URL('.', import.meta.url)): Promise<ModelIn<Image>> {
  const facts = (await (await fetch(new URL('model.json', folder))).json()) as ModelFacts;
  const session = await ort.InferenceSession.create(new URL('model.onnx', folder).href);
  return modelOf(facts, {
    square: (image) => decodeSquare(image, facts),
    run: async (images, shape) => {
      const { logits } = await session.run({ images: new ort.Tensor('float32', images, shape) });
      return logits?.data as Float32Array;
    },
    close: () => session.release(),
  });
}

/** Decodes an image to the square that the model sees; colour profiles are not applied, as in training. */
async function decodeSquare(image: Blob, facts: ModelFacts): Promise<Raster> {
  const bitmap = await createImageBitmap(image, {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return squareOf(inChannels({ data, width, height, channels: 4 }, facts), facts);
}
