/**
 * @file The facts about a model and its pixels, each value with its source.
 *
 * A fact that a file states is applied or refused by name; a guess is reported.
 */
import { TesseraError } from '../core/errors.ts';

/** Facts that decide numbers and leave no trace in the tensors, or that a file may state too. */
export interface FactValues {
  /** Side of the square image in pixels. */
  readonly imageSize: number;
  readonly channels: number;
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly numClasses: number;
  readonly normEpsilon: number;
  readonly activation: 'gelu';
  readonly pooling: 'class token';
  readonly qkvBias: true;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  readonly resize: 'stretch' | 'crop' | 'squash';
  readonly cropFraction: number;
  readonly cropRounding: 'even' | 'down';
  readonly interpolation: 'bicubic' | 'bilinear' | 'lanczos';
  /** Per-channel mean and deviation of pixels in 0..1. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Name of a fact. */
export type FactName = keyof FactValues;

/** All of them, in the order in which they are shown. */
export const FACT_NAMES = [
  ...(['imageSize', 'channels', 'patchSize', 'width', 'depth', 'heads', 'mlpWidth'] as const),
  ...(['numClasses', 'classes', 'normEpsilon', 'activation', 'pooling', 'qkvBias'] as const),
  ...(['resize', 'cropFraction', 'cropRounding', 'interpolation', 'mean', 'deviation'] as const),
] satisfies readonly FactName[];

/** The source of a value, the most reliable first. */
export type SourceKind = 'flag' | 'file' | 'shapes' | 'catalogue' | 'naming' | 'guess';

/** A value and its source. */
export interface Fact<T> {
  readonly value: T;
  readonly source: SourceKind;
  /** The file, flag or library, as text. */
  readonly where: string;
}

/** Some facts. */
export type Facts = { readonly [Name in FactName]?: Fact<FactValues[Name]> | undefined };

/** Values with one source, as facts; undefined values are left out. */
export function factsFrom(
  source: SourceKind,
  where: string,
  values: { readonly [Name in FactName]?: FactValues[Name] | undefined },
): Facts {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, { value, source, where }]),
  );
}

/** The facts of several sources; earlier sources override later ones. */
export function firstOf(...places: readonly Facts[]): Facts {
  return Object.assign({}, ...places.toReversed());
}

/** A stated fact that this version does not support. Throws  CHECKPOINT_MISMATCH. */
export function refuseFact(where: string, fact: string, hint: string): never {
  throw new TesseraError('CHECKPOINT_MISMATCH', `${where} states ${fact}`, { hint });
}

/** Maximum characters of a value in a message. */
const SHOWN_MAX = 60;

/** A value as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
}
