/** @file Which parameters a node is computed with, and how they come. */
import type { Assignment, ParametersId, ParametersRange } from '../../shared/contract/messages.ts';
import type { ValueType } from '../../shared/core/floats.ts';

/** What of a run decides it. */
export interface ParametersChoice {
  /** Whether evaluations are of the moving average of the weights. */
  readonly testsAverage?: boolean;
  /** What parameters are rounded to for training; evaluations are of those that are saved. */
  readonly trainsOn?: ValueType;
}

/** The parameters for the nodes of an assignment. */
export function parametersFor(
  { kind, version }: Pick<Assignment, 'kind' | 'version'>,
  { testsAverage = false, trainsOn = 'f32' }: ParametersChoice,
): ParametersId {
  if (kind !== 'train') return { version, ...(testsAverage && { average: true }) };
  return { version, ...(trainsOn !== 'f32' && { valueType: trainsOn }) };
}

/** Whether the parameters in place are those. */
export function isInPlace(wanted: ParametersId, inPlace: ParametersId | undefined): boolean {
  return (
    wanted.version === inPlace?.version &&
    (wanted.average ?? false) === (inPlace.average ?? false) &&
    (wanted.valueType ?? 'f32') === (inPlace.valueType ?? 'f32')
  );
}

/**
 * How parameters come: all of them the first time, then those that train. What never changes comes once, and is not
 * rounded, since evaluations have it too: where it comes along, the worker rounds the rest.
 */
export function pullOf(
  wanted: ParametersId,
  { frozen, hasFrozen }: { readonly frozen: number; readonly hasFrozen: boolean },
): { readonly range: ParametersRange; readonly isRoundedHere: boolean } {
  if (hasFrozen) return { range: { ...wanted, first: frozen }, isRoundedHere: false };
  const { valueType, ...exact } = wanted;
  const isRoundedHere = valueType === 'bf16' && frozen > 0;
  return { range: { ...(isRoundedHere ? exact : wanted), first: 0 }, isRoundedHere };
}
