/** @file The facts in Tessera's own files: in checkpoints, and in exports of `weights convert`. */
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { NORM_EPSILON } from '../../model/variants.ts';
import { type Facts, factsFrom } from '../facts.ts';
import { PIXEL_NAMES } from '../library-pixels.ts';

/** Key of a safetensors file's metadata under which an export describes its model. */
const DESCRIPTION_KEY = 'tessera.description';
const DESCRIPTION_SCHEMA = 'description/1';

const count = z.int().min(1);
const channels = z.array(z.number()).min(1);
const pixelsSchema = z.object({
  resize: z.enum(['stretch', 'crop', 'squash']).optional(),
  cropFraction: z.number().gt(0).max(1).optional(),
  cropRounding: z.enum(['even', 'down']).optional(),
  interpolation: z.enum(['bicubic', 'bilinear', 'lanczos']).optional(),
  mean: channels.optional(),
  deviation: channels.optional(),
});

const modelSchema = z.object({
  /** Left out if unknown. */
  heads: count.optional(),
  imageSize: count,
  normEpsilon: z.number().positive().optional(),
});

/** Files of other libraries do not have it. */
const checkpointSchema = z.object({
  model: modelSchema,
  classes: z.array(z.string()),
  config: z.object({ data: pixelsSchema }).optional(),
});

const exportSchema = z.object({
  schema: z.literal(DESCRIPTION_SCHEMA),
  model: modelSchema,
  classes: z.array(z.string()).optional(),
  pixels: pixelsSchema,
});

/** A model as an export describes it beside the tensors. */
export type ExportDescription = Omit<z.infer<typeof exportSchema>, 'schema'>;

/** The metadata of an export: facts that the library's format cannot hold. */
export function encodeDescription({ model, classes, pixels }: ExportDescription) {
  const { heads, imageSize, normEpsilon } = model;
  const known = PIXEL_NAMES.map((name) => [name, pixels[name]]);
  const described = {
    ...{ schema: DESCRIPTION_SCHEMA, model: { heads, imageSize, normEpsilon }, classes },
    pixels: Object.fromEntries(known),
  };
  return { [DESCRIPTION_KEY]: JSON.stringify(described) };
}

/**
 * The facts in a safetensors file's metadata.
 *
 * Throws  DATA_INVALID when an export of ours was changed so that it cannot be understood.
 */
export function ownFacts(metadata: Readonly<Record<string, string>>): Facts {
  const checkpoint = metadata['tessera'];
  if (checkpoint !== undefined) return checkpointFacts(checkpoint);
  const text = metadata[DESCRIPTION_KEY];
  if (text === undefined) return {};
  try {
    const { model, classes, pixels } = exportSchema.parse(JSON.parse(text));
    return factsOf({ model, classes, pixels });
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new TesseraError('DATA_INVALID', `its description of the model is invalid: ${reason}`, {
      hint: `the metadata ${DESCRIPTION_KEY} was changed by hand or written by another version of tessera`,
      cause,
    });
  }
}

function checkpointFacts(text: string): Facts {
  try {
    const { model, classes, config } = checkpointSchema.parse(JSON.parse(text));
    return factsOf({ model, classes, pixels: config?.data ?? {} });
  } catch {
    // Other programs may use the key too; an unknown form is ignored.
    return {};
  }
}

function factsOf({ model, classes, pixels }: ExportDescription): Facts {
  const { heads, imageSize, normEpsilon = NORM_EPSILON } = model;
  const rounding = pixels.resize && { cropRounding: pixels.cropRounding ?? 'even' };
  const values = { heads, imageSize, normEpsilon, classes, ...pixels, ...rounding };
  return factsFrom('file', "the file's own description", values);
}
