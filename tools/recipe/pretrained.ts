/** @file Pretrained weights on this machine that a run can begin with: what lies in ./weights and in the cache. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { cacheFolder, OUT_FOLDERS } from '../../shared/catalog/find.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearPath } from '../../shared/files/near-path.ts';
import { withModelFile } from '../../shared/runs/checkpoint/model-file.ts';
import { describeModel } from '../../shared/weights/describe/description.ts';
import { readWeights } from '../../shared/weights/files/read.ts';
import { PIXEL_NAMES, type PixelFacts } from '../../shared/weights/library-pixels.ts';

/** Weights that a run can begin with. */
export interface Pretrained {
  /** As a config names them. */
  readonly weights: string;
  readonly variant: string;
  readonly imageSize: number;
  readonly normEpsilon: number | undefined;
  readonly pixels: PixelFacts;
}

/** What is downloaded where there are none here and the user agrees: the smallest where a CPU computes. */
export const OFFERED_WEIGHTS = {
  cpu: { name: 'vit_tiny_patch16_224', title: 'ViT-Ti/16 (23 MB)', host: 'huggingface.co' },
  gpu: { name: 'vit_small_patch16_224', title: 'ViT-S/16 (88 MB)', host: 'huggingface.co' },
} as const;

/** What was found. */
export interface FoundPretrained {
  readonly pretrained: Pretrained | undefined;
  /** Files that look like weights and cannot be used, with the reason. */
  readonly passedOver: readonly string[];
}

/** Sizes that fit a first run, the best first: small ones where a CPU computes. */
const WANTED = { cpu: ['Ti', 'S', 'B'], gpu: ['S', 'B', 'Ti'] } as const;
const SUFFIX = /\.(safetensors|pth|pt|bin|npz)$/;
/** Larger files are of models that are too slow to begin with; more files are a collection. */
const BYTES_MAX = 700e6;
const FILES_MAX = 32;

/** Looks for weights of a ViT of colour images in ./weights, then in the cache. */
export async function findPretrained(
  kind: keyof typeof WANTED,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<FoundPretrained> {
  const wanted: readonly string[] = WANTED[kind];
  const passedOver: string[] = [];
  for (const folder of [resolve(OUT_FOLDERS.weights), cacheFolder('weights', env)]) {
    const found: Pretrained[] = [];
    for (const path of await filesIn(folder)) {
      try {
        const pretrained = await describe(path);
        if (pretrained !== undefined) found.push(pretrained);
      } catch (thrown) {
        passedOver.push(`${nearPath(path)}: ${TesseraError.from(thrown).sentence}`);
      }
    }
    const rank = ({ variant }: Pretrained) => wanted.indexOf(variant.split('/')[0] ?? '');
    const [best] = found.filter((it) => rank(it) >= 0).sort((a, b) => rank(a) - rank(b));
    if (best !== undefined) return { pretrained: best, passedOver };
  }
  return { pretrained: undefined, passedOver };
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const paths = names.filter((name) => SUFFIX.test(name)).sort();
  const sized = await Promise.all(
    paths.slice(0, FILES_MAX).map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return found?.isFile() && found.size <= BYTES_MAX ? [path] : [];
    }),
  );
  return sized.flat();
}

/** Undefined for a model that a first run cannot begin with. Throws  as `readWeights`. */
async function describe(path: string): Promise<Pretrained | undefined> {
  const weights = await withModelFile(path, (file) => readWeights(file));
  const { model, variant, facts } = describeModel(weights, basename(path));
  if (variant === undefined || model.channels !== 3) return undefined;
  const pixels = Object.fromEntries(
    PIXEL_NAMES.map((name) => [name, facts[name].value]),
  ) as unknown as PixelFacts;
  const { imageSize, normEpsilon } = model;
  return { weights: nearPath(path), variant, imageSize, normEpsilon, pixels };
}
