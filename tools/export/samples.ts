/** @file Pictures that are made, not taken from the data, and the logits that a model has for them. */
import { encodePng } from '../../shared/data/pixels/libvips.ts';
import { Model } from '../inference/model.ts';
import type { TrainedModel } from '../inference/read/read-model.ts';
import type { ExportedFile } from './library.ts';

interface Sample {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** Wide, high, grey, to be enlarged, and of more than a megapixel: each is resized in another way. */
const SAMPLES: readonly Sample[] = [
  { name: 'wide.png', width: 500, height: 333, channels: 3 },
  { name: 'high.png', width: 301, height: 640, channels: 3 },
  { name: 'grey.png', width: 400, height: 400, channels: 1 },
  { name: 'small.png', width: 21, height: 17, channels: 3 },
  { name: 'large.png', width: 1400, height: 900, channels: 3 },
];

/** Side of the blocks that a picture is made of. */
const BLOCK = 20;

/** The pictures, and `logits.json`. Throws  as `Model.start`. */
export async function sampleFiles(trained: TrainedModel): Promise<readonly ExportedFile[]> {
  const pictures = await Promise.all(SAMPLES.map(async (sample) => await pictureOf(sample)));
  const logits = await logitsOf(trained, pictures);
  const rows = SAMPLES.map(({ name }, at) => [name, Array.from(logits[at] as Float32Array)]);
  return [
    ...SAMPLES.map(({ name }, at) => ({
      name: `samples/${name}`,
      pieces: [pictures[at] as Uint8Array],
    })),
    { name: 'samples/logits.json', pieces: [Buffer.from(`${JSON.stringify(rows)}\n`)] },
  ];
}

/** The logits of images, in float32, which is how ONNX models compute. Throws  as `Model.start`. */
async function logitsOf(
  trained: TrainedModel,
  images: readonly Uint8Array[],
): Promise<Float32Array[]> {
  const training = { ...trained.config.training, precision: 'f32' } as const;
  const exact = { ...trained, config: { ...trained.config, training } };
  const model = await Model.start(exact, { batchSize: 1 });
  try {
    return await model.logits(images);
  } finally {
    await model.close();
  }
}

/** A PNG file of blocks in all colours, with some shading. */
function pictureOf({ width, height, channels }: Sample): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const block = Math.imul(Math.floor(x / BLOCK) + 57 * Math.floor(y / BLOCK) + 1, 0x9e37_79b1);
      for (let channel = 0; channel < channels; channel += 1) {
        const colour = (block >>> (8 * channel)) & 255;
        pixels[(y * width + x) * channels + channel] = (colour + (x % BLOCK)) & 255;
      }
    }
  }
  return encodePng(pixels, { width, height, channels });
}
