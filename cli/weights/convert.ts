/** @file `tessera weights convert`: a model for timm, torchvision, transformers or ONNX Runtime. */
import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically, writeFolderAtomically } from '../../shared/files/files.ts';
import type { FloatDtype } from '../../shared/weights/formats/tensor-values.ts';
import type { Naming } from '../../shared/weights/names/names.ts';
import { exportedFile, exportedFolder } from '../../tools/inference/export-model.ts';
import type { TrainedModel } from '../../tools/inference/read/read-model.ts';
import { readNamedModel, sayNotes } from '../inputs/model.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { checkNotInput, checkOutFile, checkOutFolder } from './out-folder.ts';

/** Flags of `weights convert`. */
export interface ConvertOptions {
  /** A run, a checkpoint, or weights of any library. */
  readonly path: string;
  readonly out: string;
  readonly to: Naming | 'onnx';
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly classes?: string;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly json?: true;
}

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
  const trained = await readNamedModel(path, {
    classes: options.classes,
    heads: options.heads ?? (NEED_HEADS.has(to) ? undefined : 'any'),
    weightsKey: options.weightsKey,
    set: options.set,
  });
  sayNotes(trained, 'pixels', '; written as assumed');
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
  if (to !== 'huggingface') {
    await writeFileAtomically(out, await exportedFile(trained, { to, dtype: float }));
    return;
  }
  const { files, notes } = exportedFolder(trained, float);
  for (const note of notes) say(`note: ${note}`);
  await writeFolderAtomically(out, files);
  say(`files of ${out}: ${files.map(({ name }) => name).join(', ')}`);
}
