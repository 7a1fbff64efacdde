/**
 * @file A folder of a ViT as transformers and timm's hub write it: config.json, preprocessor_config.json, and the
 * tensors in one file or in shards.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { unbroken } from '../../core/text.ts';
import { readWholeFile } from '../../files/files.ts';
import { preprocessorFacts } from '../describe/preprocessor.ts';
import { isTimmConfig, timmFacts } from '../describe/timm-config.ts';
import { transformersFacts } from '../describe/transformers-config.ts';
import { type Fact, type Facts, firstOf } from '../facts.ts';
import { readTensorFile, type TensorFile } from './file.ts';
import { type FileKind, fileKind, KIND_BYTES } from './file-kind.ts';

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

/** The names of 21,000 classes, or of all tensors of a large model, take a megabyte. */
const JSON_BYTES_MAX = 64 * 1024 ** 2;

const shardsSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

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
    if (existsSync(join(folder, name))) return readShards(folder, name);
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

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readWholeFile(path, { bytesMax: JSON_BYTES_MAX });
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const kind = cause instanceof SyntaxError ? otherKind(bytes) : undefined;
    if (kind === undefined) throw notAsWritten(path, cause);
    const { what, hint } = kind;
    throw new TesseraError('DATA_INVALID', `cannot read ${path}: it is ${what}`, { hint, cause });
  }
}

/** The kind of a file that should be JSON but does not begin like it. */
function otherKind(bytes: Uint8Array): FileKind | undefined {
  const head = bytes.subarray(0, KIND_BYTES);
  return /^\s*[{[]/.test(new TextDecoder().decode(head)) ? undefined : fileKind(head);
}

function notAsWritten(path: string, cause: unknown): TesseraError {
  const reason = unbroken(cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause));
  const sentence = `${path} is not in the form of transformers or timm: ${reason}`;
  return new TesseraError('DATA_INVALID', sentence, { cause });
}
