/** @file `tessera weights convert`: a model for timm, torchvision, transformers or ONNX Runtime. */
import { join } from 'node:path';
import { exportOnnx } from '../shared/compute/export.ts';
import { TesseraError } from '../shared/core/errors.ts';
import { encodeSafetensors, type FloatDtype } from '../shared/formats/safetensors.ts';
import { writeFileAtomically, writeFolderAtomically } from '../shared/host/files.ts';
import { parameterTable } from '../shared/model/parameters.ts';
import {
  exportTensors,
  huggingFaceConfig,
  huggingFacePixels,
} from '../shared/model/pretrained/export.ts';
import type { Naming } from '../shared/model/pretrained/names.ts';
import { openModel, type TrainedModel } from './checkpoint.ts';
import { print, say } from './talk.ts';

/** Flags of `weights convert`. */
export interface ConvertOptions {
  /** A run, a checkpoint, or weights of any library. */
  readonly path: string;
  readonly out: string;
  readonly to: Naming | 'onnx';
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly classes?: string;
}

/** Images that the ONNX model takes at a time. */
const ONNX_BATCH = 1;

/** Writes a model for another library. Throws  CANNOT_WRITE, and what opening the model throws. */
export async function convertWeights(options: ConvertOptions): Promise<void> {
  const { path, out, to, dtype, classes } = options;
  const trained = await openModel(path, { classesFile: classes });
  const float = dtype.toUpperCase() as FloatDtype;
  if (to === 'onnx') {
    if (float !== 'F32') {
      throw new TesseraError('USAGE', 'an ONNX model is written in f32 only', {
        hint: 'leave --dtype out',
      });
    }
    const { model, parameters } = trained;
    const bytes = await exportOnnx({ model, parameters, batch: ONNX_BATCH });
    await writeFileAtomically(out, [bytes]);
  } else if (to === 'huggingface') await writeHuggingFace(out, trained, float);
  else await writeFileAtomically(out, encodeModel(trained, to, float));
  print([out]);
}

function encodeModel(trained: TrainedModel, naming: Naming, dtype: FloatDtype): Uint8Array[] {
  const { model, parameters } = trained;
  const tensors = new Map(
    parameterTable(model).entries.map(({ name, shape, offset, size }) => [
      name,
      { shape, values: parameters.subarray(offset, offset + size) },
    ]),
  );
  // What other readers look for.
  const metadata = { format: 'pt' };
  return encodeSafetensors(exportTensors({ tensors, naming, depth: model.depth, dtype }), metadata);
}

async function writeHuggingFace(
  folder: string,
  trained: TrainedModel,
  dtype: FloatDtype,
): Promise<void> {
  const { model, classes, config } = trained;
  const { mean, deviation, interpolation, resize } = config.data;
  const perChannel = (values: readonly number[]) =>
    Array.from({ length: model.channels }, (_, at) => values[at] ?? (values[0] as number));
  const pixels = huggingFacePixels({
    ...{ imageSize: model.imageSize, interpolation },
    mean: perChannel(mean),
    deviation: perChannel(deviation),
  });
  if (resize === 'crop') {
    say('note: transformers stretches images where this model was trained on centre crops');
  }
  const text = (value: object) => [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)];
  await writeFolderAtomically(folder, [
    { name: 'config.json', pieces: text(huggingFaceConfig({ model, dtype, classes })) },
    { name: 'preprocessor_config.json', pieces: text(pixels) },
    { name: 'model.safetensors', pieces: encodeModel(trained, 'huggingface', dtype) },
  ]);
  say(`files of ${join(folder, '')}: config.json, preprocessor_config.json, model.safetensors`);
}
