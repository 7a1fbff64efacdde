/** @file `state.json` of a checkpoint: what the run knows beside its tensors, and all checksums. */

import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { TesseraError } from '../../core/errors.ts';
import { isRecord, unbroken } from '../../core/text.ts';
import { sha256OfText } from '../../files/digest.ts';
import type { Disk } from '../../files/disk.ts';
import { readWholeFile } from '../../files/files.ts';
import { findNonFinite } from '../../kernels/values.ts';
import { float32Of } from '../../weights/formats/tensor-values.ts';
import { count, evaluationReport } from '../events.ts';
import { corrupt, mismatch } from './faults.ts';
import { CHECKPOINT_FILES } from './layout.ts';
import {
  type ReadFrom,
  readNoted,
  type TensorFileName,
  tensorFile,
  type VerifiedTensors,
} from './tensor-files.ts';

/** The second has shards; what has none is written as the first, which older versions read. */
const SCHEMAS = ['checkpoint/1', 'checkpoint/2'] as const;

/** JSON leaves out what is undefined. */
const evaluationOrNone = z
  .strictObject(evaluationReport)
  .optional()
  .transform((value) => value);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const stateSchema = z.strictObject({
  schema: z.enum(SCHEMAS),
  step: count,
  runFingerprint: sha256,
  /** What the fingerprint is of, so that a mismatch can be named. */
  identityJson: z.string(),
  progress: z
    .strictObject({
      /** The last one of those that the best is chosen by. */
      evaluation: evaluationOrNone,
      best: evaluationOrNone,
      /** Absent: the test split. */
      chosenOn: z.literal('validation').optional(),
      /** The test at the end, where another split chooses the best. */
      test: evaluationOrNone,
      /** Of the schedule `plateau`; absent before the first cut. */
      plateau: z.strictObject({ cuts: count, since: count }).optional(),
      seconds: z.number(),
    })
    .transform(({ evaluation, best, seconds, chosenOn, test, plateau }) => ({
      ...{ evaluation, best, seconds },
      ...(chosenOn && { chosenOn, test }),
      ...(plateau && { plateau }),
    })),
  parametersSha256: sha256,
  files: z.strictObject({ model: tensorFile, optimizer: tensorFile }),
});

/** What `state.json` says. */
export type CheckpointState = Omit<z.infer<typeof stateSchema>, 'schema'>;
/** The part of a run's progress that a checkpoint keeps. */
export type ProgressSnapshot = Readonly<CheckpointState['progress']>;

/** The bytes of `state.json`, which carries its own checksum. */
export function encodeState(state: CheckpointState): Uint8Array {
  const isSharded = Object.values(state.files).some((file) => 'shards' in file);
  const content = { schema: SCHEMAS[isSharded ? 1 : 0], ...state };
  const sealed = { ...content, crc32: crc32(JSON.stringify(content)) };
  return new TextEncoder().encode(`${JSON.stringify(sealed, null, 2)}\n`);
}

/**
 * Reads and verifies the `state.json` of a checkpoint folder.
 *
 * Throws  CHECKPOINT_CORRUPT when it is damaged, CHECKPOINT_MISMATCH when it is of another version.
 */
export async function readState(
  folder: string,
  disk?: Disk,
): Promise<{ state: CheckpointState; bytes: number }> {
  const bytes = await blamingCheckpoint(folder, () =>
    readWholeFile(join(folder, CHECKPOINT_FILES.state), { disk }),
  );
  return { state: decodeState(folder, bytes), bytes: bytes.length };
}

/** What the bytes of a `state.json` say; `folder` is for words. Throws  as `readState` does. */
export function decodeState(folder: string, bytes: Uint8Array): CheckpointState {
  const { crc32: noted, ...content } = parseObject(folder, bytes);
  if (crc32(textOf(folder, content)) !== noted) {
    throw corrupt(folder, `the checksum of ${CHECKPOINT_FILES.state} does not hold`);
  }
  if (!SCHEMAS.some((known) => known === content['schema'])) {
    throw mismatch(
      folder,
      `its format is ${textOf(folder, content['schema'])}, this version's ${SCHEMAS.join(' and ')}`,
    );
  }
  const parsed = stateSchema.safeParse(content);
  if (!parsed.success) throw corrupt(folder, unbroken(z.prettifyError(parsed.error)));
  const { schema: _, ...state } = parsed.data;
  return state;
}

/**
 * Reads one of a checkpoint's sets of tensors, checked against its state.
 *
 * Throws  CHECKPOINT_CORRUPT.
 */
export function readVerified(
  folder: string,
  state: CheckpointState,
  name: TensorFileName,
  from: ReadFrom = {},
): Promise<VerifiedTensors> {
  return blamingCheckpoint(folder, () => readNoted(folder, name, state.files[name], from));
}

/**
 * Refuses a checkpoint whose run had another identity.
 *
 * Throws  CHECKPOINT_MISMATCH, naming the keys that differ; CHECKPOINT_CORRUPT when its identity cannot be read.
 */
export function refuseOtherRun(folder: string, state: CheckpointState, identityJson: string): void {
  if (state.runFingerprint === sha256OfText(identityJson)) return;
  const differences = differencesOf(folder, state.identityJson, identityJson);
  const shown = differences.slice(0, 5).join('; ') || 'the order of its keys';
  const more = differences.length > 5 ? `; and ${differences.length - 5} more` : '';
  throw mismatch(folder, `it is of another run: ${shown}${more}`);
}

/**
 * Refuses tensors of which nothing can come.
 *
 * Throws  NON_FINITE, naming the file and the tensor.
 */
export async function refuseDiverged({ path, tensors }: VerifiedTensors): Promise<void> {
  for (const [name, tensor] of tensors) {
    const values = float32Of(tensor, name);
    const index = await findNonFinite(values);
    if (index < 0) continue;
    throw new TesseraError(
      'NON_FINITE',
      `${path} is of a run that diverged: ${name} holds ${values[index]}`,
      {
        hint: 'start a new run with a lower training.optimizer.learningRate, or remove this checkpoint to continue from an earlier one',
      },
    );
  }
}

/** Whatever fails in `read` is the checkpoint's damage. */
async function blamingCheckpoint<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const known = TesseraError.from(error);
    throw known.code === 'CHECKPOINT_CORRUPT' ? known : corrupt(folder, known.sentence, error);
  }
}

function parseObject(folder: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isRecord(parsed)) return parsed;
  } catch (error) {
    throw corrupt(folder, `${CHECKPOINT_FILES.state} is not JSON`, error);
  }
  throw corrupt(folder, `${CHECKPOINT_FILES.state} is not a JSON object`);
}

/** JSON of what was read. What is nested so deep that it cannot be written was not written by us. */
function textOf(folder: string, content: unknown): string {
  try {
    return JSON.stringify(content) ?? 'nothing';
  } catch (error) {
    throw corrupt(folder, `${CHECKPOINT_FILES.state} is nested too deep`, error);
  }
}

function differencesOf(folder: string, savedJson: string, nowJson: string): string[] {
  try {
    const differing = differingKeys(JSON.parse(savedJson), JSON.parse(nowJson));
    // A fingerprint is useless to a reader where the setting behind it is listed too.
    const readable = differing.filter((text) => !text.startsWith('modelFingerprint: '));
    return readable.length > 0 ? readable : differing;
  } catch (error) {
    throw corrupt(folder, 'its identityJson is not readable JSON', error);
  }
}

/** `seed: 42 in the checkpoint, 7 now` for each leaf that is not the same. */
function differingKeys(saved: unknown, now: unknown, path = ''): string[] {
  if (isRecord(saved) && isRecord(now)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(now)]);
    return [...keys].flatMap((key) =>
      differingKeys(saved[key], now[key], path === '' ? key : `${path}.${key}`),
    );
  }
  const [before, after] = [saved, now].map((value) => JSON.stringify(value) ?? 'nothing');
  return before === after ? [] : [`${path}: ${before} in the checkpoint, ${after} now`];
}
