/** @file The identity of a run: the parts of a config, and of the data, that its numbers depend on. */

import type { ProgramSpec } from '../compute/program.ts';
import { isRecord } from '../core/text.ts';
import { sha256OfText } from '../files/digest.ts';
import { modelSignature } from '../model/parameters.ts';
import { resolveModel } from './rules.ts';
import type { RunConfig } from './schema.ts';

/** What a run's numbers depend on besides its config. */
export interface RunFacts {
  /** See `modelFingerprint`. */
  readonly modelFingerprint: string;
  readonly trainSamples: number;
  readonly validationSamples: number;
  readonly testSamples: number;
  /** Names of the classes, in the order of their labels. */
  readonly classes: readonly string[];
}

/**
 * The identity of a run, as canonical JSON: only a run with the same text may resume from a checkpoint.
 *
 * It contains: the seed, the data options that change a sample or a split, the model by its numbers (so that
 * `Ti/16` equals its expanded form), all of `training`, and `exchange` where it rounds. It does not contain, since a resumed run may change
 * them: `name`, `cluster`, `limits`, `observe`, `checkpoint`, `compute`, `evaluation`, where and how the data are
 * read (`data.path`, `data.links`, `data.access`, `data.cacheBytes`), whether features are cached or blocks computed
 * again (`training.recompute`), the weights that the run started from (a checkpoint has the trained ones), and whether
 * an unreadable image ends the run (`data.onBadImage`): its weight is 0 either way. `data.validation` is part of it if
 * it removes training images or names a folder. A set's own validation split only evaluates, so that runs of earlier
 * versions can resume.
 */
export function identityJson(config: RunConfig, facts: RunFacts): string {
  const { seed, data } = samplesOf(config);
  const { validation, ...withoutValidation } = data;
  const { validationSamples, ...sizes } = facts;
  const isOwn = validation === 'auto' || validation === 'none';
  const judged = isOwn ? {} : { validationSamples };
  const { positionDeviation } = config.model;
  const model = { ...resolveModel(config, facts.classes.length), positionDeviation };
  const training = trainingOf(config);
  const { transfer } = config.data;
  const moved = transfer === 'float32' ? {} : { transfer };
  const samples = { seed, data: { ...(isOwn ? withoutValidation : data), ...moved } };
  return canonicalJson({ ...samples, model, training, ...sizes, ...judged, ...exchangeOf(config) });
}

/** What of `training` decides numbers; a default that is younger than checkpoints is left out, so that these resume. */
function trainingOf({ training: whole }: RunConfig) {
  const { cacheFeatures: _, recompute: _recompute, schedule: shape, ...others } = whole;
  const { precision, classWeights, earlyStopping, ...training } = others;
  const { patience, factor, ...schedule } = shape;
  return {
    ...training,
    schedule: shape.name === 'plateau' ? { ...schedule, patience, factor } : schedule,
    ...(precision !== 'f32' && { precision }),
    ...(classWeights !== 'none' && { classWeights }),
    ...(earlyStopping > 0 && { earlyStopping }),
  };
}

/** Sections and options that no number of a run depends on. */
const WITHOUT_NUMBERS = [
  ...['name', 'evaluation', 'checkpoint', 'cluster', 'worker', 'observe'],
  'limits',
  ...['data.path', 'data.links', 'data.access', 'data.cacheBytes', 'data.onBadImage'],
  ...['training.cacheFeatures', 'compute.threads', 'compute.devices'],
];

/**
 * Whether runs whose setting of this path differs may have other parameters: all that `identityJson` has, and what decides
 * first parameters and engines.
 */
export function decidesNumbers(path: string): boolean {
  return !WITHOUT_NUMBERS.some((one) => path === one || path.startsWith(`${one}.`));
}

/** What values travel as, where it is not the default of runs that knew nothing else. */
function exchangeOf({ exchange }: RunConfig) {
  const { gradients, parameters } = exchange;
  return gradients === 'f32' && parameters === 'f32' ? {} : { exchange };
}

/** The options that decide the order and content of the samples of a data set: runs with equal ones are comparable. */
export function samplesFingerprint(config: RunConfig): string {
  return sha256OfText(canonicalJson(samplesOf(config)));
}

/** The parts of a config that decide the samples of a given data set. */
function samplesOf({ seed, data: whole }: RunConfig) {
  const {
    path: _path,
    links: _links,
    access: _access,
    cacheBytes: _bytes,
    onBadImage: _bad,
    transfer: _transfer,
    ...data
  } = whole;
  return { seed, data };
}

/** Name of a training step: SHA-256, in hex, of everything that its numbers depend on except data and parameters. */
export function modelFingerprint(spec: ProgramSpec): string {
  return sha256OfText(modelSignature(spec));
}

/** JSON with the keys of every object sorted by code unit and no spaces: equal values, equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isRecord(part) ? sorted(part) : part));
}

/** Without a prototype, so that `__proto__` is an ordinary key. */
function sorted(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(record).sort()) copy[key] = record[key];
  return copy;
}
