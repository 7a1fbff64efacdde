/**
 * @file What a mirror holds: for each checkpoint its files and, written last, a manifest with their checksums. Pure.
 *
 * PREFIX/step-00000400/{model.safetensors, optimizer.safetensors, state.json, config.json, ...}, and
 * PREFIX/step-00000400/manifest.json. What has no manifest is not whole. Compiled programs belong to all:
 * PREFIX/executables/DIGEST.
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { jsonRecord } from '../../core/text.ts';
import { count } from '../events.ts';
import { EXECUTABLES_FOLDER } from '../layout.ts';

const SCHEMA = 'mirror/1';
/** Name of a manifest. */
const MANIFEST = 'manifest.json';
const STEP_FOLDER = /^step-(\d{8,15})\//;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Names that lead nowhere else. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/);
const mirroredFile = z.strictObject({
  /** `checkpoint`: of the checkpoint; `run`: of the run's folder; `executables`: of its folder of that name. */
  of: z.enum(['checkpoint', 'run', 'executables']),
  name: fileName,
  bytes: count,
  sha256,
});
const manifestSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  step: count,
  /** SHA-256 of the identity of the run. */
  runFingerprint: sha256,
  parametersSha256: sha256,
  files: z.array(mirroredFile).min(1).max(10_000),
});

/** A file of a mirrored checkpoint. */
export type MirroredFile = Readonly<z.infer<typeof mirroredFile>>;
/** What a manifest says. */
export type Manifest = Readonly<Omit<z.infer<typeof manifestSchema>, 'schema'>>;

/** Name of the folder of a step, in a run's folder of checkpoints and in its mirror. */
function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Name of the object of a file. */
export function objectOf(step: number, { of, name }: Pick<MirroredFile, 'of' | 'name'>): string {
  return of === 'executables' ? `${EXECUTABLES_FOLDER}/${name}` : `${stepName(step)}/${name}`;
}

/** Name of the manifest of a step. */
export function manifestOf(step: number): string {
  return `${stepName(step)}/${MANIFEST}`;
}

/** The text of a manifest, which carries its own checksum. */
export function encodeManifest(manifest: Manifest): string {
  const content = { schema: SCHEMA, ...manifest };
  return `${JSON.stringify({ ...content, crc32: crc32(JSON.stringify(content)) })}\n`;
}

/** Reads the manifest of a step. Throws  CHUNK_CORRUPT when it is damaged, DATA_INVALID when it is of another version. */
export function decodeManifest(step: number, text: string): Manifest {
  const { crc32: noted, ...content } = jsonRecord(text) ?? {};
  if (crc32(JSON.stringify(content)) !== noted) throw damaged(step, 'CHUNK_CORRUPT');
  const parsed = manifestSchema.safeParse(content);
  if (!parsed.success || parsed.data.step !== step) throw damaged(step, 'DATA_INVALID');
  const { schema: _, ...manifest } = parsed.data;
  return manifest;
}

function damaged(step: number, code: 'CHUNK_CORRUPT' | 'DATA_INVALID'): TesseraError {
  const why = code === 'DATA_INVALID' ? 'is not of this version of tessera' : 'is damaged';
  return new TesseraError(code, `the manifest of step ${step} in the mirror ${why}`);
}

/** The objects of a mirror, by what they are. */
export interface Inventory {
  /** Bytes by name. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Steps that have a manifest, the newest first. */
  readonly steps: readonly number[];
}

/** Sorts the objects of a place. What is not ours is left alone. */
export function inventoryOf(
  objects: readonly { readonly key: string; readonly bytes: number }[],
): Inventory {
  const sizes = new Map(objects.map(({ key, bytes }) => [key, bytes]));
  const steps = [...sizes.keys()].flatMap((name) => {
    const step = stepOf(name);
    return step !== undefined && name === manifestOf(step) ? [step] : [];
  });
  return { sizes, steps: steps.sort((one, other) => other - one) };
}

/** What of a checkpoint is missing in a mirror; undefined when it is whole by its names and sizes. */
export function missingOf({ step, files }: Manifest, { sizes }: Inventory): string | undefined {
  return files
    .filter((file) => sizes.get(objectOf(step, file)) !== file.bytes)
    .map((file) => objectOf(step, file))[0];
}

/**
 * The objects of checkpoints that are not kept, in the order in which they are to go: a manifest before what it speaks
 * of. Kept are the newest `keep`, the best, and those beyond `newestStep`; parts without a manifest go when older.
 */
export function unkept(
  { sizes, steps }: Inventory,
  {
    keep,
    bestStep,
    newestStep,
  }: { readonly keep: number; readonly bestStep: number | undefined; readonly newestStep: number },
): string[] {
  const reached = steps.filter((step) => step <= newestStep);
  const kept = new Set([...reached.slice(0, keep), bestStep]);
  const gone = [...sizes.keys()].filter((name) => {
    const step = stepOf(name);
    return step !== undefined && step <= newestStep && !kept.has(step);
  });
  const isManifest = (name: string) => name.endsWith(`/${MANIFEST}`);
  return [...gone.filter(isManifest), ...gone.filter((name) => !isManifest(name))];
}

function stepOf(name: string): number | undefined {
  const digits = STEP_FOLDER.exec(name)?.[1];
  const step = Number(digits);
  return digits !== undefined && name.startsWith(`${stepName(step)}/`) ? step : undefined;
}
