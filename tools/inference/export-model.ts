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
import { exportOnnx } from './export-onnx.ts';
import type { TrainedModel } from './read/read-model.ts';

/** Files of a Hugging Face folder that we write. */
export const EXPORT_FILES = {
  config: 'config.json',
  pixels: 'preprocessor_config.json',
  model: 'model.safetensors',
} as const;

/** Whether we write a file of that name in such a folder. */
export function isExportFile(name: string): boolean {
  const isShard = /^model(?:-\d{5}-of-\d{5}\.safetensors|\.safetensors\.index\.json)$/.test(name);
  return isShard || Object.values<string>(EXPORT_FILES).includes(name);
}

/** The line of config.json by which a later export knows an earlier one; transformers keeps what it does not know. */
export const EXPORT_MARK = { exported_by: 'tessera' } as const;

/** Images that the ONNX model takes at a time. */
const ONNX_BATCH = 1;

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
  const { model, parameters } = trained;
  const metadata = onnxMetadata(trained);
  return [await exportOnnx({ model, parameters, batch: ONNX_BATCH, metadata })];
}

/**
 * The files of a folder for transformers, and what they cannot say of the model. Tensors of more than `shardBytes` are
 * in several files.
 */
export function exportedFolder(trained: TrainedModel, dtype: FloatDtype, shardBytes?: number) {
  const { model, areClassesNamed, config } = trained;
  const classes = areClassesNamed ? trained.classes : undefined;
  const { mean, deviation, resize, cropRounding } = config.data;
  const perChannel = (values: readonly number[]) =>
    Array.from({ length: model.channels }, (_, at) => values[at] ?? (values[0] as number));
  const colours = { mean: perChannel(mean), deviation: perChannel(deviation) };
  const pixels = huggingFacePixels(model.imageSize, { ...config.data, ...colours });
  const text = (value: object) => [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)];
  const described = { ...huggingFaceConfig({ model, dtype, classes }), ...EXPORT_MARK };
  const notes =
    resize === 'crop' && cropRounding !== 'down'
      ? [
          'transformers cuts the centre a pixel earlier than this model was trained with where the room around it is odd',
        ]
      : [];
  const files = [
    { name: EXPORT_FILES.config, pieces: text(described) },
    { name: EXPORT_FILES.pixels, pieces: text(pixels) },
    ...encodeShards(EXPORT_FILES.model, tensorsOf(trained, { naming: 'huggingface', dtype }), {
      metadata: METADATA,
      bytesMax: shardBytes,
    }),
  ];
  return { files, notes };
}

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

/** The same for an ONNX model: one text for each fact, lists as JSON. */
function onnxMetadata(trained: TrainedModel): Readonly<Record<string, string>> {
  const { classes, pixels } = descriptionOf(trained);
  const { resize, cropFraction, cropRounding = 'even', interpolation, mean, deviation } = pixels;
  const { imageSize, channels } = trained.model;
  const { background } = trained.config.data;
  const facts = {
    ...{ classes, imageSize, channels, resize, cropFraction, cropRounding, interpolation },
    ...{ mean, deviation, rescale: '1/255', background },
  };
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
