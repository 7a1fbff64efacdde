/** @file What a saved model says of itself: all that evaluating and predicting need beside the tensors. */
import { z } from 'zod';
import { configSchema, type RunConfig } from '../config/schema.ts';
import { TesseraError } from '../core/errors.ts';
import type { ModelConfig } from '../model/variants.ts';

/** The description inside a model file. */
export interface ModelMetadata {
  readonly model: ModelConfig;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  /** The run's configuration; its `data` says how an image becomes the model's input. */
  readonly config: RunConfig;
}

/** A description that was read, with the step at which the model was saved. */
export type SavedModelMetadata = ModelMetadata & { readonly step: number };

const SCHEMA = 'model/1';
const KEY = 'tessera';

const count = z.int().min(1);
const metadataSchema = z.object({
  schema: z.literal(SCHEMA),
  step: z.int().min(0),
  model: z.object({
    imageSize: count,
    channels: count,
    patchSize: count,
    numClasses: count,
    width: count,
    depth: count,
    heads: count,
    mlpWidth: count,
    normEpsilon: z.number().positive().optional(),
  }),
  classes: z.array(z.string()),
  config: configSchema,
});

/** The metadata of a model's safetensors file; `format` is what other readers look for. */
export function encodeModelMetadata(metadata: ModelMetadata, step: number): Record<string, string> {
  return { format: 'pt', [KEY]: JSON.stringify({ schema: SCHEMA, step, ...metadata }) };
}

/**
 * The description in a file's metadata; undefined when Tessera did not write the file.
 *
 * Throws  DATA_INVALID when there is one that cannot be understood.
 */
export function parseModelMetadata(
  metadata: Readonly<Record<string, string>>,
  path: string,
): SavedModelMetadata | undefined {
  const text = metadata[KEY];
  if (text === undefined) return undefined;
  try {
    const { schema: _, ...described } = metadataSchema.parse(JSON.parse(text));
    return described;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new TesseraError('DATA_INVALID', `${path} describes its model badly: ${reason}`, {
      hint: 'the file was changed by hand or written by another version of tessera',
      cause,
    });
  }
}
