/** @file `tessera export` and `tessera weights convert`: a model for programs and for other libraries. */
import { TesseraError } from '../../shared/core/errors.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { writeFileAtomically, writeFolderAtomically } from '../../shared/files/files.ts';
import type { FloatDtype } from '../../shared/weights/formats/tensor-values.ts';
import type { Naming } from '../../shared/weights/names/names.ts';
import {
  type ExportedFile,
  type ExportLayout,
  exportedFile,
  exportedFolder,
  HUGGING_FACE_LAYOUT,
} from '../../tools/export/library.ts';
import { NODE_LAYOUT, nodeFolder } from '../../tools/export/node-folder.ts';
import {
  TRANSFORMERS_JS_LAYOUT,
  transformersJsFolder,
} from '../../tools/export/transformers-js.ts';
import type { TrainedModel } from '../../tools/inference/read/read-model.ts';
import { readNamedModel, sayNotes } from '../inputs/model.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { checkNotInput, checkOutFile, checkOutFolder } from './out-folder.ts';

/** What a model may be written as. */
export type ExportFormat = Naming | 'onnx' | 'node' | 'transformers.js';

/** Flags of both commands. */
export interface ExportOptions {
  /** A run, a checkpoint, or weights of any library; the newest run unless given. */
  readonly path?: string | undefined;
  readonly out: string;
  readonly to: ExportFormat;
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly classes?: string;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly set?: string[];
  readonly json?: true;
}

/** The formats that are folders: how an earlier one is recognised, and what is written. */
const FOLDERS: Readonly<
  Partial<Record<ExportFormat, { readonly layout: ExportLayout; readonly write: WriteFolder }>>
> = {
  huggingface: { layout: HUGGING_FACE_LAYOUT, write: async (...of) => exportedFolder(...of) },
  'transformers.js': { layout: TRANSFORMERS_JS_LAYOUT, write: transformersJsFolder },
  node: {
    layout: NODE_LAYOUT,
    write: async (trained) => ({ files: await nodeFolder(trained), notes: [] }),
  },
};
type WriteFolder = (
  trained: TrainedModel,
  dtype: FloatDtype,
) => Promise<{ readonly files: readonly ExportedFile[]; readonly notes: readonly string[] }>;

/** Formats of tensors alone, which need no number of heads, and store them in any type. */
const OF_TENSORS: ReadonlySet<string> = new Set(['timm', 'torchvision']);
/** Formats that have a place for the colour behind transparent images. */
const HAS_BACKGROUND: ReadonlySet<string> = new Set(['node']);

/** Writes a model for another library or program. Throws  CANNOT_WRITE, and what opening the model throws. */
export async function exportModel(
  options: ExportOptions,
  schema: 'export/1' | 'weights-convert/1' = 'export/1',
): Promise<void> {
  const { path, out, to, dtype, json } = options;
  const isOnnx = to !== 'huggingface' && !OF_TENSORS.has(to);
  if (isOnnx && dtype !== 'f32') {
    throw new TesseraError('USAGE', 'an ONNX model is written in f32 only', {
      hint: 'leave --dtype out',
    });
  }
  const folder = FOLDERS[to];
  await (folder === undefined ? checkOutFile(out) : checkOutFolder(out, folder.layout));
  const trained = await readNamedModel(path, {
    classes: options.classes,
    heads: options.heads ?? (OF_TENSORS.has(to) ? 'any' : undefined),
    weightsKey: options.weightsKey,
    set: options.set,
  });
  sayNotes(trained, 'pixels', '; written as assumed');
  const { background } = trained.config.data;
  if (background !== undefined && !HAS_BACKGROUND.has(to)) {
    say(
      `note: this model was trained with transparent images on ${background}, which other libraries' files cannot state: predict with --set data.background='${background}'`,
    );
  }
  await checkNotInput(out, [...(path === undefined ? [] : [path]), trained.modelPath]);
  await write(trained, options);
  const { modelPath, parameters } = trained;
  const result = { path: modelPath, out, to, dtype, parameters: parameters.length };
  if (json) printJson({ schema, ...result });
  else print([out]);
  if (to === 'node') say(pointer('test it', `cd ${out} && npm install && npm test`));
}

async function write(trained: TrainedModel, { out, to, dtype }: ExportOptions): Promise<void> {
  const float = dtype.toUpperCase() as FloatDtype;
  const folder = FOLDERS[to];
  if (folder === undefined) {
    const naming = to as Exclude<ExportFormat, keyof typeof FOLDERS>;
    await writeFileAtomically(out, await exportedFile(trained, { to: naming, dtype: float }));
    return;
  }
  const { files, notes } = await folder.write(trained, float);
  for (const note of notes) say(`note: ${note}`);
  await writeFolderAtomically(out, files);
  say(`${out}: ${contentsOf(files)}`);
}

/** What is in a folder, with its size: files, and folders with what is in them. */
function contentsOf(files: readonly ExportedFile[]): string {
  const sizes = new Map<string, number>();
  for (const { name, pieces } of files) {
    const [top = name] = name.split('/');
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    sizes.set(top, (sizes.get(top) ?? 0) + bytes);
  }
  return [...sizes].map(([name, bytes]) => `${name} (${formatBytes(bytes)})`).join(', ');
}
