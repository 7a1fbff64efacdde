/** @file A trained model as files for timm, torchvision, transformers or ONNX Runtime. */
import { parameterTable, parameterViews } from '../../shared/model/parameters.ts';
import { type ExportDescription, encodeDescription } from '../../shared/weights/describe/own.ts';
import {
  exportTensors,
  huggingFaceConfig,
  huggingFacePixels,
} from '../../shared/weights/files/export.ts';
import { encodeSafetensors, type NamedTensor } from '../../shared/weights/formats/safetensors.ts';
import { encodeShards } from '../../shared/weights/formats/shards.ts';
import type { FloatDtype } from '../../shared/weights/formats/tensor-values.ts';
import type { Naming } from '../../shared/weights/names/names.ts';
import type { TrainedModel } from '../inference/read/read-model.ts';
import { modelFacts } from './model-facts.ts';
import { exportOnnx } from './onnx.ts';

/** Files of a Hugging Face folder that we write. */
export const EXPORT_FILES = {
  config: 'config.json',
  pixels: 'preprocessor_config.json',
  model: 'model.safetensors',
} as const;

/** A file of an export. */
export interface ExportedFile {
  /** Its path within the folder. */
  readonly name: string;
  readonly pieces: readonly Uint8Array[];
}

/** How a later export recognises the folder of an earlier one. */
export interface ExportLayout {
  /** The JSON file that has `EXPORT_MARK`. */
  readonly marked: string;
  /** Whether we write something of that name into the folder. */
  isOurs(name: string): boolean;
}

/** What a later export looks for in a JSON file; libraries keep or pass over what they do not know. */
export const EXPORT_MARK = { exported_by: 'tessera' } as const;

/** A folder for transformers. */
export const HUGGING_FACE_LAYOUT: ExportLayout = {
  marked: EXPORT_FILES.config,
  isOurs: (name) => {
    const isShard = /^model(?:-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)$/.test(name);
    return isShard || Object.values<string>(EXPORT_FILES).includes(name);
  },
};

/** What is written. */
export interface ExportOptions {
  readonly to: Exclude<Naming, 'huggingface'> | 'onnx';
  /** How numbers are stored; an ONNX model has float32. */
  readonly dtype: FloatDtype;
}

/** The one file of a model, in pieces. */
export async function exportedFile(
  trained: TrainedModel,
  { to, dtype }: ExportOptions,
): Promise<Uint8Array[]> {
  if (to !== 'onnx') {
    const described = encodeDescription(descriptionOf(trained));
    const tensors = tensorsOf(trained, { naming: to, dtype });
    return encodeSafetensors(tensors, { ...METADATA, ...described });
  }
  return [await exportOnnx(trained)];
}

/**
 * The files of a folder for transformers, and what they cannot say of the model. Tensors of more than `shardBytes` are
 * in several files.
 */
export function exportedFolder(trained: TrainedModel, dtype: FloatDtype, shardBytes?: number) {
  const { resize, cropRounding } = trained.config.data;
  const notes =
    resize === 'crop' && cropRounding !== 'down'
      ? [
          'transformers cuts the centre a pixel earlier than this model was trained with where the room around it is odd',
        ]
      : [];
  const { described, pixels } = huggingFaceDescription(trained, dtype);
  const files = [
    { name: EXPORT_FILES.config, pieces: jsonOf(described) },
    { name: EXPORT_FILES.pixels, pieces: jsonOf(pixels) },
    ...encodeShards(EXPORT_FILES.model, tensorsOf(trained, { naming: 'huggingface', dtype }), {
      metadata: METADATA,
      bytesMax: shardBytes,
    }),
  ];
  return { files, notes };
}

/** What config.json and preprocessor_config.json say. */
export function huggingFaceDescription(trained: TrainedModel, dtype: FloatDtype) {
  const { model, areClassesNamed, config } = trained;
  const classes = areClassesNamed ? trained.classes : undefined;
  const { mean, deviation } = modelFacts(trained).pixels;
  return {
    described: { ...huggingFaceConfig({ model, dtype, classes }), ...EXPORT_MARK },
    pixels: huggingFacePixels(model.imageSize, {
      ...config.data,
      ...{ mean: [...mean], deviation: [...deviation] },
    }),
  };
}

/** A JSON file. */
export const jsonOf = (value: object) => [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)];

interface Encoding {
  readonly naming: Naming;
  readonly dtype: FloatDtype;
}

/** What other readers look for. */
const METADATA = { format: 'pt' } as const;

function tensorsOf(
  { model, parameters }: TrainedModel,
  { naming, dtype }: Encoding,
): NamedTensor[] {
  const table = parameterTable(model);
  const views = parameterViews(parameters, table);
  const tensors = new Map(
    table.entries.map(({ name, shape }) => [
      name,
      { shape, values: views.get(name) as Float32Array },
    ]),
  );
  return exportTensors({ tensors, naming, depth: model.depth, dtype });
}

/** Everything that a library's own names and shapes have no room for. */
function descriptionOf(trained: TrainedModel): ExportDescription {
  const { model, guessed, classes, areClassesNamed, config } = trained;
  const { imageSize, normEpsilon } = model;
  return {
    model: { heads: guessed.has('heads') ? undefined : model.heads, imageSize, normEpsilon },
    classes: areClassesNamed ? [...classes] : undefined,
    pixels: config.data,
  };
}
