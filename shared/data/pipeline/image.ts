/**
 * @file One image, from its sample to the model's input: decoded, cropped, flipped, shifted, changed by the policy,
 * normalised, erased. A function of the config, the seed, the epoch and the sample, whichever thread runs it.
 */
import { assert } from '../../core/errors.ts';
import type { DataConfig } from '../options.ts';
import type { CropRegion } from '../pixels/geometry.ts';
import type { Raster } from '../pixels/raster.ts';
import type { EncodedSample } from '../source.ts';
import { augmentation, hasRandomCrop, NO_AUGMENTATION } from './augment.ts';
import { type DecodeOptions, decodeImage, decodePicture, isPlain, squareOf } from './decode.ts';
import { moved, type Storage, type StoredPixels, storedTables, writeImage } from './drawing.ts';
import { eraseRandomly } from './erasing.ts';
import { applyPolicy, planPolicy } from './policy.ts';

/** What an image is made of. */
export interface ImageRequest {
  readonly sample: EncodedSample;
  /** The epoch of a training image; undefined for others, which are not augmented. */
  readonly epoch: number | undefined;
  /** What was kept of it before: its bytes are not needed then. */
  readonly kept: Raster | undefined;
  /** The most that may be kept of it now. */
  readonly roomBytes: number;
}

/** What a maker needs to know of the run. */
export interface ImageOptions<S extends Storage = Storage> {
  readonly imageSize: number;
  readonly seed: number;
  readonly storage: S;
}

/** Makes the images of one run. */
export class ImageMaker {
  readonly #config: DataConfig;
  readonly #options: ImageOptions;
  readonly #decoding: DecodeOptions;
  readonly #tables: readonly StoredPixels[];

  constructor(config: DataConfig, options: ImageOptions) {
    this.#config = config;
    this.#options = options;
    this.#decoding = decodeOptionsOf(config, options.imageSize);
    this.#tables = storedTables(config, options.storage);
  }

  /**
   * Writes one image into `target`. Returns what later epochs need of it, where that fits: the whole picture if each cuts
   * another part of it, else the square.
   *
   * Shapes  target is [channels, imageSize, imageSize].
   * Throws  DATA_INVALID when the sample cannot be decoded.
   */
  async make(request: ImageRequest, target: StoredPixels): Promise<Raster | undefined> {
    const { imageSize, seed } = this.#options;
    const { sample, epoch } = request;
    const length = this.#config.channels * imageSize ** 2;
    assert(target.length === length, `image of ${target.length} floats`);
    const change =
      epoch === undefined ? NO_AUGMENTATION : augmentation(this.#config, seed, epoch, sample.index);
    const { pixels, kept } = await this.#pixels(request, change.cropRegion);
    const drawing = { imageSize, tables: this.#tables };
    if (epoch === undefined) {
      writeImage({ ...drawing, pixels, change }, target);
      return kept;
    }
    const place = { seed, epoch, index: sample.index, imageSize };
    const steps = planPolicy(this.#config.augment, place);
    if (steps.length === 0) writeImage({ ...drawing, pixels, change }, target);
    else {
      const changed = applyPolicy(moved(pixels, imageSize, change), imageSize, steps);
      writeImage({ ...drawing, pixels: changed, change: NO_AUGMENTATION }, target);
    }
    eraseRandomly(target, imageSize, this.#config.augment.erasing, place);
    return kept;
  }

  /** The pixels of the square, and what of the image is worth keeping. */
  async #pixels(
    { sample, kept, roomBytes }: ImageRequest,
    region: CropRegion | undefined,
  ): Promise<{ readonly pixels: Uint8Array; readonly kept?: Raster | undefined }> {
    const options = this.#decoding;
    if (region === undefined) {
      if (kept !== undefined) return { pixels: kept.pixels };
      const pixels = await decodeImage(sample, options);
      const isKept = pixels.length <= roomBytes && !isPlain(sample, options);
      const { imageSize: side, channels } = options;
      return { pixels, kept: isKept ? { pixels, width: side, height: side, channels } : undefined };
    }
    const whole = kept ?? (await decodePicture(sample, options, roomBytes));
    if (whole === undefined) return { pixels: await decodeImage(sample, options, region) };
    const pixels = await squareOf(whole, options, region);
    return { pixels, kept: kept === undefined ? whole : undefined };
  }
}

/** What is kept of a sample goes by this name; undefined where nothing is worth it. */
export function keptName(
  config: DataConfig,
  imageSize: number,
  sample: EncodedSample,
  epoch: number | undefined,
): string | undefined {
  const isCropped = epoch !== undefined && hasRandomCrop(config);
  if (isCropped) return sample.raw === undefined ? `whole ${sample.name}` : undefined;
  return isPlain(sample, decodeOptionsOf(config, imageSize)) ? undefined : sample.name;
}

function decodeOptionsOf(config: DataConfig, imageSize: number): DecodeOptions {
  const { channels, background, resize, cropFraction, cropRounding, interpolation } = config;
  return { imageSize, channels, background, resize, cropFraction, cropRounding, interpolation };
}
