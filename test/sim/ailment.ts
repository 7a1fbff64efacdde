/** @file What is wrong with a run itself, whoever computes: numbers that diverge, engines that stumble, pulls that are refused. */
import type { RunConfig } from '../../shared/config/schema.ts';
import type { ErrorCode } from '../../shared/core/errors.ts';
import type { NodeTask } from '../../worker/core/messages.ts';
import type { Dice } from './dice.ts';

/** How a run is ill. */
export type Ailment = {
  /** Nothing else goes wrong. */
  readonly isQuiet: boolean;
} & (
  | {
      /** Every engine gives NaN for this version: in training, or when it is evaluated. */
      readonly kind: 'diverges';
      readonly work: 'train' | 'judge';
      readonly version: number;
      /** For each leaf, or only for the first. */
      readonly isEverywhere: boolean;
      /** Workers that have ended so are not started again. */
      readonly isAbandoned: boolean;
    }
  /** The first step makes parameters that are too large. */
  | { readonly kind: 'overflows' }
  /** Engines give NaN, but once in a step, and not again for the same leaves: the run must go on. */
  | { readonly kind: 'stumbles' }
  /** The coordinator refuses all pulls: with an error that another try gives again, or with one that may pass. */
  | { readonly kind: 'refusesPulls'; readonly code: ErrorCode }
);

/** Budget of workers in worlds in which they must use it up. */
export const SHORT_RECONNECT_MS = 5_000;

/** Draws what is wrong with a run, in one world of six. */
export function drawAilment(
  dice: Dice,
  { training }: RunConfig,
  trainSamples: number,
): Ailment | undefined {
  if (!dice.chance(1 / 6)) return undefined;
  const isQuiet = dice.chance(0.5);
  const kind = dice.integer(0, 4);
  const steps = training.epochs * Math.ceil(trainSamples / training.batchSize);
  if (kind === 0) return { kind: 'overflows', isQuiet };
  if (kind === 1) return { kind: 'stumbles', isQuiet };
  if (kind === 2) {
    const code = isQuiet ? 'INTERNAL' : 'CONFIG_INVALID';
    return { kind: 'refusesPulls', isQuiet, code };
  }
  return {
    kind: 'diverges',
    isQuiet,
    work: dice.chance(0.7) ? 'train' : 'judge',
    version: dice.integer(0, steps - 1),
    isEverywhere: dice.chance(0.5),
    isAbandoned: isQuiet && dice.chance(0.5),
  };
}

/** The code that the run must end with; undefined when it must end well, or cannot end. */
export function endOf(ailment: Ailment | undefined): ErrorCode | undefined {
  switch (ailment?.kind) {
    case 'diverges':
    case 'overflows':
      return 'NON_FINITE';
    case 'refusesPulls':
      return ailment.code === 'INTERNAL' ? undefined : ailment.code;
    default:
      return undefined;
  }
}

/** Whether an engine gives NaN for a leaf; `stumbled` has the versions that one has stumbled over. */
export function givesNaN(
  ailment: Ailment | undefined,
  { kind, version }: NodeTask,
  leaf: number,
  stumbled: Set<number>,
): boolean {
  if (ailment?.kind === 'stumbles') {
    if (kind !== 'train' || stumbled.has(version)) return false;
    stumbled.add(version);
    return true;
  }
  if (ailment?.kind !== 'diverges' || (!ailment.isEverywhere && leaf !== 0)) return false;
  // The end is evaluated, whatever else is.
  return ailment.work === 'judge'
    ? kind !== 'train'
    : kind === 'train' && version === ailment.version;
}
