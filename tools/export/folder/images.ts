/** @file From decoded images to the input of a model, and from its output to classes: the pixels that it was trained with. */

import { colourOf, toRaster } from '../../../shared/data/pixels/channels.ts';
import {
  type ImageSize,
  planResize,
  type ResizePlan,
} from '../../../shared/data/pixels/geometry.ts';
import { resampleByLoops } from '../../../shared/data/pixels/passes.ts';
import type { Raster } from '../../../shared/data/pixels/raster.ts';
import { bestGuesses, type Guess } from '../../inference/top-classes.ts';

/** What model.json says: the classes in the order of the logits, and how an image becomes the model's input. */
export interface ModelFacts {
  readonly classes: readonly string[];
  /** Side of the square that the model sees. */
  readonly imageSize: number;
  readonly channels: 1 | 3;
  readonly pixels: {
    readonly resize: 'stretch' | 'crop' | 'squash';
    /** Side of the centre crop over the short side of the resized image. */
    readonly cropFraction: number;
    /** Where the centre lies when the room around it is odd. */
    readonly cropRounding: 'even' | 'down';
    readonly interpolation: 'bicubic' | 'bilinear' | 'lanczos';
    /** Per channel, of pixels in 0..1. */
    readonly mean: readonly number[];
    readonly deviation: readonly number[];
    readonly rescale: '1/255';
    /** The colour behind transparent images; without one, alpha is dropped. */
    readonly background?: string | undefined;
  };
}

/** A decoded image: RGB or RGBA, one byte a value, row by row. */
export interface Pixels extends ImageSize {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly channels: 3 | 4;
}

/** An open model. */
export interface ModelIn<Image> {
  readonly facts: ModelFacts;
  /** The `top` (5) likeliest classes of an image, best first. */
  predict(image: Image, top?: number): Promise<readonly Guess[]>;
  /** The logits of images, all of them in one run of the model. */
  logits(images: readonly Image[]): Promise<readonly Float32Array[]>;
  /** Frees the memory of the model. */
  close(): Promise<void>;
}

/** What of a model depends on where it runs. */
export interface Runtime<Image> {
  square(image: Image): Promise<Raster>;
  run(images: Float32Array, shape: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A model in a runtime. */
export function modelOf<Image>(facts: ModelFacts, runtime: Runtime<Image>): ModelIn<Image> {
  const { classes, channels, imageSize } = facts;
  const logits = async (images: readonly Image[]) => {
    const squares = await Promise.all(images.map((image) => runtime.square(image)));
    const shape = [images.length, channels, imageSize, imageSize];
    const rows = await runtime.run(inputOf(squares, facts), shape);
    const { length } = classes;
    return images.map((_, at) => rows.slice(at * length, (at + 1) * length));
  };
  const predict = async (image: Image, top = 5) => {
    const [row] = await logits([image]);
    return bestGuesses(row as Float32Array, classes, top);
  };
  return { facts, predict, logits, close: () => runtime.close() };
}

/** An image in the channels of the model, as Pillow converts them. */
export function inChannels({ data, channels, width, height }: Pixels, facts: ModelFacts): Raster {
  const samples = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const { background } = facts.pixels;
  const image = {
    samples,
    width,
    height,
    channels,
    space: 'rgb',
    hasAlpha: channels === 4,
  } as const;
  return toRaster(
    image,
    facts.channels,
    background === undefined ? undefined : colourOf(background),
  );
}

/** The size that an image is resized to, and the square that is cut of it. */
export function planOf(size: ImageSize, { imageSize, pixels }: ModelFacts): ResizePlan {
  return planResize(size, { imageSize, ...pixels }, undefined);
}

/** Resizes an image with the bytes of Pillow, and cuts the square. */
export function squareOf(image: Raster, facts: ModelFacts): Raster {
  const { scaleTo: size, cutAfter: box } = planOf(image, facts);
  return resampleByLoops(image, { size, interpolation: facts.pixels.interpolation, box });
}

/** The input of the model. Shapes  squares of [S, S, C] bytes -> [images, C, S, S], normalised. */
function inputOf(squares: readonly Raster[], { imageSize, channels, pixels }: ModelFacts) {
  const area = imageSize ** 2;
  const input = new Float32Array(squares.length * channels * area);
  for (const [image, square] of squares.entries()) {
    for (let channel = 0; channel < channels; channel += 1) {
      const [mean, deviation] = [pixels.mean[channel], pixels.deviation[channel]] as [
        number,
        number,
      ];
      const first = (image * channels + channel) * area;
      for (let at = 0; at < area; at += 1) {
        const value = square.pixels[at * channels + channel] as number;
        input[first + at] = (value / 255 - mean) / deviation;
      }
    }
  }
  return input;
}
