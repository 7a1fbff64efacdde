/** @file What a run is: all that stays the same for its whole life, resumes included. */
import { canonicalJson, identityJson, modelFingerprint } from '../config/fingerprint.ts';
import { programSpec } from '../config/program.ts';
import { resolveModel } from '../config/rules.ts';
import type { RunConfig } from '../config/schema.ts';
import type { DataIdentity } from '../data/identity/identity.ts';
import type { DataSource } from '../data/source.ts';
import { sha256OfText } from '../files/digest.ts';
import { VERSION } from '../machine/version.ts';
import type { ModelConfig } from '../model/variants.ts';

/** What a run is: the same for its whole life, resumes included. */
export interface RunIdentity {
  readonly config: RunConfig;
  readonly model: ModelConfig;
  /** The config as workers get it. */
  readonly configJson: string;
  readonly modelFingerprint: string;
  /** Everything that decides the numbers of the run, as canonical JSON. */
  readonly identityJson: string;
  /** Which run this is, for its workers: alike for runs that begin alike and go alike. */
  readonly runId: string;
  /** Which data set it has, as JSON. */
  readonly dataJson: string;
  readonly runFolder: string;
  readonly tesseraVersion: string;
}

/** What a config and its data define; `data` is which set the source is. */
export function identify(
  config: RunConfig,
  source: DataSource,
  { runFolder, data }: { readonly runFolder: string; readonly data?: DataIdentity },
): RunIdentity {
  const model = resolveModel(config, source.classes.length);
  const fingerprint = modelFingerprint(programSpec(config, model));
  const json = identityJson(config, {
    modelFingerprint: fingerprint,
    trainSamples: source.size.train,
    validationSamples: source.size.validation,
    testSamples: source.size.test,
    classes: source.classes,
  });
  return {
    config,
    model,
    configJson: canonicalJson(config),
    modelFingerprint: fingerprint,
    identityJson: json,
    runId: sha256OfText(json),
    dataJson: data === undefined ? '' : JSON.stringify(data),
    runFolder,
    tesseraVersion: VERSION,
  };
}
