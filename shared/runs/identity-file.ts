/**
 * @file RUN/identity.json: which run this is and which data set it has, as it was when it began.
 *
 * A resumed run compares its data set with that; its workers know it by the id, whatever else of its config changes.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { samplesFingerprint } from '../config/fingerprint.ts';
import type { RunConfig } from '../config/schema.ts';
import { TesseraError } from '../core/errors.ts';
import { differenceText } from '../data/identity/difference-text.ts';
import {
  type DataIdentity,
  dataIdentitySchema,
  firstDifference,
} from '../data/identity/identity.ts';
import type { DataSource } from '../data/source.ts';
import { sha256OfBytes, sha256OfText } from '../files/digest.ts';
import { readRegularFile } from '../files/regular-file.ts';
import type { RunIdentity } from './identity.ts';
import { RUN_FILES } from './layout.ts';

const SCHEMA = 'identity/1';
const FILE_BYTES_MAX = 64 * 1024 ** 2;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const beginningSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  id: sha256,
  /** What decides the samples of a given data set: only where it is the same can two sets be compared. */
  samples: sha256,
  data: dataIdentitySchema,
});

/** What a run began with. */
export type Beginning = Omit<z.infer<typeof beginningSchema>, 'schema'>;

/** The beginning of a new run: runs that begin with the same parameters, and go alike, have the same id. */
export async function beginningOf(
  { config, identityJson }: Pick<RunIdentity, 'config' | 'identityJson'>,
  data: DataIdentity,
  parameters: Float32Array,
): Promise<Beginning> {
  const values = await sha256OfBytes(parameters);
  const id = sha256OfText(`${identityJson}\n${JSON.stringify(data)}\n${values}`);
  return { id, samples: samplesFingerprint(config), data };
}

/** The text of RUN/identity.json. */
export function encodeBeginning(beginning: Beginning): string {
  return `${JSON.stringify({ schema: SCHEMA, ...beginning })}\n`;
}

/** What the folder of a run says of its beginning; undefined where it does not, as of a version that kept nothing. */
export async function readBeginning(runFolder: string): Promise<Beginning | undefined> {
  try {
    const bytes = await readRegularFile(join(runFolder, RUN_FILES.identity), FILE_BYTES_MAX);
    const { schema: _, ...beginning } = beginningSchema.parse(
      JSON.parse(new TextDecoder().decode(bytes)),
    );
    return beginning;
  } catch {
    // It is a record for comparison. A run whose record is lost can still be resumed.
    return undefined;
  }
}

/**
 * Compares the data set with the one that the run began with.
 *
 * Throws  CHECKPOINT_MISMATCH, naming what has changed.
 */
export async function refuseOtherData(
  begun: Beginning,
  now: { readonly config: RunConfig; readonly source: DataSource; readonly data: DataIdentity },
): Promise<void> {
  // With another seed or another division every sample is elsewhere, and that is what is to be said.
  if (begun.samples !== samplesFingerprint(now.config)) return;
  const difference = firstDifference(now.data, begun.data);
  if (difference === undefined) return;
  const what = await differenceText(difference, {
    here: { source: now.source, identity: now.data },
    there: { identity: begun.data },
    words: {
      subject: 'it',
      has: ['has', 'now and had'],
      here: 'now',
      there: 'when the run began',
      had: 'had',
    },
  });
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `the data set is not the one that the run began with: ${what}`,
    { hint: 'bring the files back as they were, or start a new run with what there is now' },
  );
}
