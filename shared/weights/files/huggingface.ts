/**
 * @file A folder of a ViT as transformers and timm's hub write it: config.json, preprocessor_config.json, and the
 * tensors in one file or in shards.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { preprocessorFacts } from '../describe/preprocessor.ts';
import { isTimmConfig, timmFacts } from '../describe/timm-config.ts';
import { transformersFacts } from '../describe/transformers-config.ts';
import { type Fact, type Facts, firstOf } from '../facts.ts';
import { readTensorFile, type TensorFile } from './file.ts';
import { notAsWritten, readJson } from './json.ts';
import { readShards } from './shards.ts';

/** Names of the files, in the order of the search. */
const HUGGINGFACE_FILES = {
  config: 'config.json',
  preprocessor: 'preprocessor_config.json',
  processor: 'processor_config.json',
  model: 'model.safetensors',
  modelShards: 'model.safetensors.index.json',
  pickle: 'pytorch_model.bin',
  pickleShards: 'pytorch_model.bin.index.json',
} as const;

/** Weights of other frameworks, which are not read. */
const OTHER_FRAMEWORKS = ['tf_model.h5', 'flax_model.msgpack', 'saved_model.pb', 'model.onnx'];

/**
 * Reads a folder that transformers or timm wrote; `key` selects one of several models in a file.
 *
 * Throws  DATA_INVALID when a file is missing or cannot be read; CHECKPOINT_MISMATCH when the model is
 *         not a plain ViT, or a file states what is not supported.
 */
export async function readHuggingFaceFolder(
  folder: string,
  key?: string,
): Promise<{ file: TensorFile; info: Facts }> {
  const file = await readTensors(folder, key);
  const config = await factsIn(folder, HUGGINGFACE_FILES.config, (document, where) =>
    isTimmConfig(document) ? timmFacts(document, where) : transformersFacts(document, where),
  );
  // As in transformers 5: an image processor inside a processor has priority over its own file.
  const inside = await factsIn(folder, HUGGINGFACE_FILES.processor, processorFacts);
  const pixels =
    Object.keys(inside).length > 0
      ? inside
      : await factsIn(folder, HUGGINGFACE_FILES.preprocessor, preprocessorFacts);
  refuseOtherSize(config.imageSize, pixels.imageSize, folder);
  return { file, info: firstOf(config, pixels) };
}

/** The facts of the image processor inside a processor; empty if it has none. */
function processorFacts(document: unknown, where: string): Facts {
  const inside: unknown = Object(document).image_processor;
  return inside === undefined ? {} : preprocessorFacts(inside, where);
}

/** The facts in a file of a folder; empty if it does not exist. */
async function factsIn(
  folder: string,
  name: string,
  factsOf: (document: unknown, where: string) => Facts,
): Promise<Facts> {
  const path = join(folder, name);
  if (!existsSync(path)) return {};
  const document = await readJson(path, z.unknown());
  try {
    return factsOf(document, name);
  } catch (thrown) {
    if (thrown instanceof z.ZodError) throw notAsWritten(path, thrown);
    const { code, sentence, hint } = TesseraError.from(thrown);
    throw new TesseraError(code, `${folder}: ${sentence}`, {
      ...(hint !== undefined && { hint }),
      cause: thrown,
    });
  }
}

function refuseOtherSize(
  model: Fact<number> | undefined,
  pixels: Fact<number> | undefined,
  folder: string,
) {
  if (model?.source !== 'file' || pixels === undefined || model.value === pixels.value) return;
  const other = `${pixels.where} ${pixels.source === 'file' ? 'of' : 'takes'} ${pixels.value}`;
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `${folder}: ${model.where} states images of ${model.value} pixels, ${other}`,
    { hint: 'transformers refuses this model too: set both to the size that it was trained with' },
  );
}

async function readTensors(folder: string, key: string | undefined): Promise<TensorFile> {
  const { model, modelShards, pickle, pickleShards } = HUGGINGFACE_FILES;
  for (const name of [model, pickle]) {
    if (existsSync(join(folder, name))) return readTensorFile(join(folder, name), key);
  }
  for (const name of [modelShards, pickleShards]) {
    if (existsSync(join(folder, name))) return readShards(join(folder, name));
  }
  const other = OTHER_FRAMEWORKS.find((name) => existsSync(join(folder, name)));
  const also = other === undefined ? '' : `; its ${other} is of another framework`;
  throw new TesseraError('DATA_INVALID', `${folder} has no ${model} and no ${pickle}${also}`, {
    hint:
      other === undefined
        ? 'give a folder that transformers or tessera wrote, or a file of weights'
        : 'in Python: load the folder with transformers (from_tf or from_flax), then save_pretrained',
  });
}
