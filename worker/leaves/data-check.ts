/** @file Whether the data set that a worker reads for itself is the run's. */
import { TesseraError } from '../../shared/core/errors.ts';
import { differenceText } from '../../shared/data/identity/difference-text.ts';
import {
  type DataIdentity,
  dataIdentitySchema,
  firstDifference,
  type IdentifiableSource,
  identifyData,
} from '../../shared/data/identity/identity.ts';
import type { SampleReader } from './sample-store.ts';

/** What a worker's own data set is compared with. */
export interface RunData {
  readonly seed: number;
  /** Of the welcome. */
  readonly dataJson: string;
  /** Brings samples from the coordinator, to name the one that differs. */
  readonly samples: SampleReader;
  /** Where the worker's own set is, for the message. */
  readonly place: string;
}

/**
 * Compares a worker's own data set with the run's, by classes, names, labels, sizes and a sample of contents.
 *
 * Throws  DATA_INVALID, naming the first difference; MESSAGE_INVALID when the welcome does not say what the run has.
 */
export async function refuseOtherData(
  source: IdentifiableSource,
  { seed, dataJson, samples, place }: RunData,
): Promise<void> {
  const theirs = parseIdentity(dataJson);
  const ours = await identifyData(source, seed);
  const difference = firstDifference(ours, theirs);
  if (difference === undefined) return;
  const what = await differenceText(difference, {
    here: { source, identity: ours },
    there: { identity: theirs, read: samples },
    words: {
      subject: 'its data set',
      has: ['has', 'where the run has'],
      here: 'here',
      there: 'there',
      had: 'has',
    },
  });
  throw new TesseraError('DATA_INVALID', `the worker is refused: ${what}`, {
    hint: `${place} must hold the files of the coordinator; or let it send them, with data.access: coordinator`,
  });
}

function parseIdentity(dataJson: string): DataIdentity {
  try {
    return dataIdentitySchema.parse(JSON.parse(dataJson));
  } catch (cause) {
    throw new TesseraError(
      'MESSAGE_INVALID',
      'welcome.data_json: it does not say which data set the run has',
      { hint: 'install the same version of tessera on both machines', cause },
    );
  }
}
