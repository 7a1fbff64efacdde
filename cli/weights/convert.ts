/** @file `tessera weights convert`: a model for timm, torchvision, transformers or ONNX Runtime. */

import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically, writeFolderAtomically } from '../../shared/files/files.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { type ExportDescription, encodeDescription } from '../../shared/weights/describe/own.ts';
import {
  exportTensors,
  huggingFaceConfig,
  huggingFacePixels,
} from '../../shared/weights/files/export.ts';
import { encodeSafetensors, type FloatDtype } from '../../shared/weights/formats/safetensors.ts';
import type { Naming } from '../../shared/weights/names/names.ts';
import { exportOnnx } from '../../tools/inference/export-onnx.ts';
import { openModel, type TrainedModel } from '../../tools/inference/open-model.ts';
import { print, printJson, say } from '../terminal/output.ts';
import {
  checkNotInput,
  checkOutFile,
  checkOutFolder,
  EXPORT_FILES,
  EXPORT_MARK,
} from './out-folder.ts';

/** Flags of `weights convert`. */
export interface ConvertOptions {
  /** A run, a checkpoint, or weights of any library. */
  readonly path: string;
  readonly out: string;
  readonly to: Naming | 'onnx';
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly classes?: string;
  /** Attention heads, for weights that do not tell. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly json?: true;
}

/** Images that the ONNX model takes at a time. */
const ONNX_BATCH = 1;
/** What says how many heads there are, or has them built in; the others are tensors alone. */
const NEED_HEADS: ReadonlySet<string> = new Set(['huggingface', 'onnx']);

/** Writes a model for another library. Throws  CANNOT_WRITE, and what opening the model throws. */
export async function convertWeights(options: ConvertOptions): Promise<void> {
  const { path, out, to, dtype, json } = options;
  if (to === 'onnx' && dtype !== 'f32') {
    throw new TesseraError('USAGE', 'an ONNX model is written in f32 only', {
      hint: 'leave --dtype out',
    });
  }
  await (to === 'huggingface' ? checkOutFolder(out) : checkOutFile(out));
  const trained = await openModel(path, {
    classesFile: options.classes,
    heads: options.heads ?? (NEED_HEADS.has(to) ? undefined : 'any'),
    weightsKey: options.weightsKey,
    set: options.set,
  });
  for (const note of trained.notes) say(`${note}; written as assumed`);
  const { background } = trained.config.data;
  if (background !== undefined) {
    say(
      `note: this model was trained with transparent images on ${background}, which other libraries' files cannot state: predict with --set data.background='${background}'`,
    );
  }
  await checkNotInput(out, [path, trained.modelPath]);
  await write(trained, options);
  const { modelPath, parameters } = trained;
  const result = { path: modelPath, out, to, dtype, parameters: parameters.length };
  if (json) printJson({ schema: 'weights-convert/1', ...result });
  else print([out]);
}

async function write(trained: TrainedModel, { out, to, dtype }: ConvertOptions): Promise<void> {
  const float = dtype.toUpperCase() as FloatDtype;
  if (to === 'onnx') {
    const { model, parameters } = trained;
    const metadata = onnxMetadata(trained);
    const bytes = await exportOnnx({ model, parameters, batch: ONNX_BATCH, metadata });
    await writeFileAtomically(out, [bytes]);
  } else if (to === 'huggingface') await writeHuggingFace(out, trained, float);
  else {
    const described = encodeDescription(descriptionOf(trained));
    await writeFileAtomically(out, encodeModel(trained, { naming: to, dtype: float, described }));
  }
}

interface Encoding {
  readonly naming: Naming;
  readonly dtype: FloatDtype;
  /** Metadata that says what the tensors do not. */
  readonly described?: Readonly<Record<string, string>>;
}

function encodeModel(
  { model, parameters }: TrainedModel,
  { naming, dtype, described }: Encoding,
): Uint8Array[] {
  const tensors = new Map(
    parameterTable(model).entries.map(({ name, shape, offset, size }) => [
      name,
      { shape, values: parameters.subarray(offset, offset + size) },
    ]),
  );
  // What other readers look for.
  const metadata = { format: 'pt', ...described };
  return encodeSafetensors(exportTensors({ tensors, naming, depth: model.depth, dtype }), metadata);
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

/** The same for whoever runs an ONNX model: one text for each fact, lists as JSON. */
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

async function writeHuggingFace(
  folder: string,
  trained: TrainedModel,
  dtype: FloatDtype,
): Promise<void> {
  const { model, areClassesNamed, config } = trained;
  const classes = areClassesNamed ? trained.classes : undefined;
  const { mean, deviation, resize, cropRounding } = config.data;
  const perChannel = (values: readonly number[]) =>
    Array.from({ length: model.channels }, (_, at) => values[at] ?? (values[0] as number));
  const colours = { mean: perChannel(mean), deviation: perChannel(deviation) };
  const pixels = huggingFacePixels(model.imageSize, { ...config.data, ...colours });
  if (resize === 'crop' && cropRounding !== 'down') {
    say(
      'note: transformers cuts the centre a pixel earlier than this model was trained with where the room around it is odd',
    );
  }
  const text = (value: object) => [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)];
  const described = { ...huggingFaceConfig({ model, dtype, classes }), ...EXPORT_MARK };
  await writeFolderAtomically(folder, [
    { name: EXPORT_FILES.config, pieces: text(described) },
    { name: EXPORT_FILES.pixels, pieces: text(pixels) },
    { name: EXPORT_FILES.model, pieces: encodeModel(trained, { naming: 'huggingface', dtype }) },
  ]);
  say(`files of ${folder}: ${Object.values(EXPORT_FILES).join(', ')}`);
}
