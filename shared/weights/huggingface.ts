/**
 * @file A Hugging Face folder of a ViT: config.json, preprocessor_config.json, and the tensors in one file
 * or in shards.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { TesseraError } from '../core/errors.ts';
import { unbroken } from '../core/text.ts';
import { readWholeFile } from '../host/files.ts';
import type { WeightsInfo } from '../model/pretrained/weights.ts';
import { readTensorFile, type TensorFile } from './file.ts';

/** Names of the files, in the order in which they are looked for. */
const HUGGINGFACE_FILES = {
  config: 'config.json',
  preprocessor: 'preprocessor_config.json',
  model: 'model.safetensors',
  modelShards: 'model.safetensors.index.json',
  pickle: 'pytorch_model.bin',
  pickleShards: 'pytorch_model.bin.index.json',
} as const;

/** The parts of config.json that change the numbers; transformers' defaults where it says nothing. */
const configSchema = z.object({
  model_type: z.string().default('vit'),
  num_attention_heads: z.int().min(1).default(12),
  image_size: z.int().min(1).default(224),
  hidden_act: z.string().default('gelu'),
  qkv_bias: z.boolean().default(true),
  id2label: z.record(z.string(), z.string()).optional(),
});

const preprocessorSchema = z.object({
  image_mean: z.array(z.number()).optional(),
  image_std: z.array(z.number()).optional(),
});

/** The names of 21,000 classes, or of all tensors of a large model, take a megabyte. */
const JSON_BYTES_MAX = 64 * 1024 ** 2;

/** What transformers calls a class that has no name. */
const nameless = (id: number) => `LABEL_${id}`;

const shardsSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Reads a folder that transformers wrote.
 *
 * Throws  DATA_INVALID when a file is missing or cannot be read; CHECKPOINT_MISMATCH when the model is
 *         no plain ViT.
 */
export async function readHuggingFaceFolder(
  folder: string,
): Promise<{ file: TensorFile; info: WeightsInfo }> {
  const file = await readTensors(folder);
  if (!existsSync(join(folder, HUGGINGFACE_FILES.config))) return { file, info: {} };
  const config = await readJson(join(folder, HUGGINGFACE_FILES.config), configSchema);
  checkArchitecture(folder, config);
  const pixels = join(folder, HUGGINGFACE_FILES.preprocessor);
  const { image_mean: mean, image_std: deviation } = existsSync(pixels)
    ? await readJson(pixels, preprocessorSchema)
    : {};
  const { num_attention_heads: heads, image_size: imageSize, id2label } = config;
  const classes = id2label === undefined ? undefined : classesOf(id2label);
  return { file, info: { heads, imageSize, classes, mean, deviation } };
}

async function readTensors(folder: string): Promise<TensorFile> {
  const { model, modelShards, pickle, pickleShards } = HUGGINGFACE_FILES;
  for (const name of [model, pickle]) {
    if (existsSync(join(folder, name))) return readTensorFile(join(folder, name));
  }
  for (const name of [modelShards, pickleShards]) {
    if (existsSync(join(folder, name))) return readShards(folder, name);
  }
  throw new TesseraError('DATA_INVALID', `${folder} has no ${model} and no ${pickle}`, {
    hint: 'give a folder that transformers or tessera wrote, or a file of weights',
  });
}

async function readShards(folder: string, index: string): Promise<TensorFile> {
  const path = join(folder, index);
  const { weight_map: map } = await readJson(path, shardsSchema);
  const names = [...new Set(Object.values(map))].sort();
  const outside = names.find((name) => basename(name) !== name || name === '..');
  if (outside !== undefined) {
    throw new TesseraError('DATA_INVALID', `${path} points outside its folder: ${outside}`);
  }
  const shards: TensorFile[] = [];
  for (const name of names) shards.push(await readTensorFile(join(folder, name)));
  const [first] = shards;
  if (first === undefined) throw new TesseraError('DATA_INVALID', `${path} names no file`);
  return { ...first, path, tensors: new Map(shards.flatMap(({ tensors }) => [...tensors])) };
}

function checkArchitecture(folder: string, config: z.infer<typeof configSchema>): void {
  const { model_type: type, hidden_act: activation, qkv_bias: hasBias } = config;
  const wrong =
    (type !== 'vit' && `is a model of type ${type}`) ||
    (activation !== 'gelu' && `has the activation ${activation}`) ||
    (!hasBias && 'has no bias in q, k and v');
  if (!wrong) return;
  throw new TesseraError('CHECKPOINT_MISMATCH', `${folder} ${wrong}`, {
    hint: 'only ViTForImageClassification and ViTModel with exact GELU and biases can be loaded',
  });
}

/** `{"0": "pizza", "1": "steak"}` -> the names in the order of their numbers; undefined where none has one. */
function classesOf(id2label: Readonly<Record<string, string>>): readonly string[] | undefined {
  const size = Object.keys(id2label).length;
  const names = Array.from({ length: size }, (_, id) => id2label[id] ?? nameless(id));
  return names.every((name, id) => name === nameless(id)) ? undefined : names;
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readWholeFile(path, { bytesMax: JSON_BYTES_MAX });
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const reason = unbroken(cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause));
    throw new TesseraError('DATA_INVALID', `${path} is not as transformers writes it: ${reason}`, {
      cause,
    });
  }
}
