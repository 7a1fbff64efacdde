/** @file The state and the config of a run that begins with a checkpoint of another, for more epochs. Pure. */
import { z } from 'zod';
import { canonicalJson } from '../../config/fingerprint.ts';
import { sha256OfText } from '../../files/digest.ts';
import type { CheckpointState } from './state.ts';

const counted = z.looseObject({ epochs: z.int().min(1) });
/** What an identity has that counts epochs. */
const identitySchema = z.looseObject({
  trainSamples: z.int().min(1),
  training: counted.extend({ batchSize: z.int().min(1) }),
});
const configSchema = z.looseObject({ name: z.string(), training: counted });

/** What a run is continued with. */
export interface Continued {
  readonly name: string;
  readonly config: object;
  readonly state: CheckpointState;
}

/**
 * A run's config and state as those of one with so many epochs more: steps are counted on, nothing is tested yet, and the
 * version that it begins with is the best so far. Throws  ZodError when one of them is not what we write.
 */
export function withMoreEpochs(config: unknown, state: CheckpointState, more: number): Continued {
  const identity = identitySchema.parse(JSON.parse(state.identityJson));
  const { name, training, ...others } = configSchema.parse(config);
  const stepsPerEpoch = Math.ceil(identity.trainSamples / identity.training.batchSize);
  const epochs = Math.ceil(state.step / stepsPerEpoch) + more;
  const identityJson = canonicalJson({ ...identity, training: { ...identity.training, epochs } });
  const { evaluation, ...progress } = state.progress;
  const best = evaluation?.version === state.step ? evaluation : undefined;
  return {
    name,
    config: { name, training: { ...training, epochs }, ...others },
    state: {
      ...state,
      identityJson,
      runFingerprint: sha256OfText(identityJson),
      progress: {
        ...progress,
        ...('test' in progress && { test: undefined }),
        ...{ evaluation: best, best, seconds: 0 },
      },
    },
  };
}
