/** @file The images that a program hands over: paths, URLs of files, encoded bytes, or raw pixels. */
import { fileURLToPath } from 'node:url';
import { TesseraError } from '../../shared/core/errors.ts';
import { IMAGE_BYTES_MAX } from '../../shared/data/sets/image-folder.ts';
import { readWholeFile } from '../../shared/files/files.ts';
import type { ImageInput } from './predict.ts';

/** Pixels of an image, one byte each. Shapes  data [height, width, channels]: grey, grey and alpha, RGB, or RGBA. */
export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** An image: the path or `file:` URL of an image file, the bytes of one (a Buffer), or raw pixels. */
export type Image = string | URL | Uint8Array | RawImage;

/** Images as they are read. Throws  USAGE for what is none of an `Image`. */
export function imageInputs(images: Image | readonly Image[]): ImageInput[] {
  const list = isList(images) ? images : [images];
  return list.map((image, at) => inputOf(image, `image ${at + 1}`));
}

function isList(images: Image | readonly Image[]): images is readonly Image[] {
  return Array.isArray(images);
}

function inputOf(image: Image, name: string): ImageInput {
  if (typeof image === 'string' && !image.startsWith('file:')) return fileOf(image);
  if (typeof image === 'string' || image instanceof URL) return fileOf(pathOf(image));
  if (image instanceof Uint8Array) return { name, read: async () => image };
  const { data, width, height, channels } = (image ?? {}) as Partial<RawImage>;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (isBytes && isSide(width) && isSide(height) && isSide(channels) && channels <= 4) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { name, raw: { width, height, channels }, read: async () => bytes };
  }
  throw new TesseraError('USAGE', `${name} is not an image`, {
    hint: 'give a path, a file URL, the bytes of an image file, or { data, width, height, channels }',
  });
}

function fileOf(path: string): ImageInput {
  return { name: path, read: () => readWholeFile(path, { bytesMax: IMAGE_BYTES_MAX }) };
}

function pathOf(url: string | URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new TesseraError('USAGE', `${url} is not the URL of a file`, {
      hint: 'Tessera downloads no images: read it first and hand over its bytes',
      cause,
    });
  }
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
