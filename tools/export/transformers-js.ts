/** @file A trained model in the layout that transformers.js loads (@huggingface/transformers). */
import type { TrainedModel } from '../inference/read/read-model.ts';
import {
  EXPORT_FILES,
  type ExportedFile,
  type ExportLayout,
  huggingFaceDescription,
  jsonOf,
} from './library.ts';
import { exportOnnx } from './onnx.ts';
import type { WeightStorage } from './stored-weights.ts';

/** The variants that are written, by the library's names of files. Of the others (q4, bnb4, uint8 and so on) none is. */
const VARIANTS: Readonly<Record<string, WeightStorage>> = {
  model: 'float32',
  model_fp16: 'float16',
  model_quantized: 'int8',
};

/** The folder that `transformersJsFolder` fills. */
export const TRANSFORMERS_JS_LAYOUT: ExportLayout = {
  marked: EXPORT_FILES.config,
  isOurs: (name) => [EXPORT_FILES.config, EXPORT_FILES.pixels, 'onnx'].includes(name),
};

/** The files, and what the library does differently from the training. */
export async function transformersJsFolder(trained: TrainedModel) {
  const { described, pixels } = huggingFaceDescription(trained, 'F32');
  const { resize, interpolation } = trained.config.data;
  const isColoured = trained.model.channels === 3;
  // Without the setting the library takes the quantised model in browsers, whose logits are others.
  const config = { ...described, 'transformers.js_config': { dtype: 'fp32' } };
  const files: ExportedFile[] = [
    { name: EXPORT_FILES.config, pieces: jsonOf(config) },
    { name: EXPORT_FILES.pixels, pieces: jsonOf({ ...pixels, do_convert_rgb: isColoured }) },
  ];
  for (const [name, weights] of Object.entries(VARIANTS)) {
    const model = await exportOnnx(trained, { input: 'pixel_values', weights });
    files.push({ name: `onnx/${name}.onnx`, pieces: [model] });
  }
  const notes = [
    `transformers.js resizes by its own filters, not by the ${interpolation} with antialiasing of the training: the same pixels give the same logits, the same photo other ones; tessera export --to node has the pixels of the training`,
    ...(isColoured ? [] : ['this model takes grey images: give it image.grayscale()']),
    ...(resize === 'stretch' ? [] : ['a centre crop may lie a pixel beside that of the training']),
    'model_fp16 and model_quantized (8 bits) store their weights smaller and compute in float32; 4-bit variants are not written',
  ];
  return { files, notes };
}
