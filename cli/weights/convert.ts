/** @file `tessera weights convert`: an export by its older name, for weights of any library. */
import { type ExportOptions, exportModel } from '../export/export.ts';

/** Flags of `weights convert`. */
export interface ConvertOptions extends ExportOptions {
  /** A run, a checkpoint, or weights of any library. */
  readonly path: string;
}

/** Writes a model for another library. Throws  as `exportModel`. */
export async function convertWeights(options: ConvertOptions): Promise<void> {
  await exportModel(options, 'weights-convert/1');
}
