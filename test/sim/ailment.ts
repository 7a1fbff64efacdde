/** @file What is wrong with a run itself, whoever computes: numbers that diverge, engines that stumble, pulls that are refused. */
import type { RunConfig } from '../../shared/config/schema.ts';
import type { Chunk } from '../../shared/contract/generated/tessera/v1/Chunk.ts';
import { type ErrorCode, TesseraError } from '../../shared/core/errors.ts';
import type { NodeTask } from '../../worker/core/messages.ts';
import type { Counts } from './counts.ts';
import type { Dice } from './dice.ts';
import type { Settings } from './settings.ts';
import { check } from './violation.ts';

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
      /** For each leaf, or only for the first: it comes to the workers one after the other. */
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

/** What comes of an ailment, in one world. */
export class Illness {
  readonly #ailment: Ailment | undefined;
  readonly #counts: Counts;
  readonly #nowMs: () => number;
  /** Versions over which an engine has stumbled. */
  readonly #stumbled = new Set<number>();
  /** When it has shown itself first. */
  #sinceMs: number | undefined;

  constructor({ ailment }: Settings, counts: Counts, nowMs: () => number) {
    this.#ailment = ailment;
    this.#counts = counts;
    this.#nowMs = nowMs;
  }

  /** Workers that it has ended are not started again. */
  get isAbandoned(): boolean {
    return this.#ailment?.kind === 'diverges' && this.#ailment.isAbandoned;
  }

  /** The run can neither go on nor end: its workers must give up. */
  get isHopeless(): boolean {
    return this.#ailment?.kind === 'refusesPulls' && this.#end === undefined;
  }

  /** Whether an engine gives NaN for a leaf. */
  breaks({ kind, version }: NodeTask, leaf: number): boolean {
    const ailment = this.#ailment;
    if (ailment?.kind === 'stumbles') {
      if (kind !== 'train' || this.#stumbled.has(version)) return false;
      this.#stumbled.add(version);
      return this.#shows('stumbles');
    }
    if (ailment?.kind !== 'diverges' || (!ailment.isEverywhere && leaf !== 0)) return false;
    // The end is evaluated, whatever else is.
    const isIt = ailment.work === 'judge' || version === ailment.version;
    return isIt && (kind === 'train') === (ailment.work === 'train') && this.#shows('diverged');
  }

  /** The answer to a pull where all are refused. */
  refusedPull(): AsyncGenerator<Chunk> | undefined {
    if (this.#ailment?.kind !== 'refusesPulls') return undefined;
    this.#shows('pullsRefused');
    return refusal(this.#ailment.code);
  }

  /** Whether a worker ends by it. */
  explains(code: string | undefined, hasBroken: boolean): boolean {
    if (this.#ailment?.kind === 'refusesPulls') return code === this.#ailment.code;
    return hasBroken && code === 'NON_FINITE';
  }

  /** A run whose only worker has stumbled ends where faults keep all others away for long. */
  mayEndWith(code: string): boolean {
    return this.#ailment?.kind === 'stumbles' && code === 'NON_FINITE';
  }

  /** Whether a run has ended as it must. Throws  Violation when it ends well, or too late. */
  isRightEnd(code: string | undefined): boolean {
    const end = this.#end;
    if (end === undefined) return false;
    check(code !== undefined, `the run ends with ${end}`);
    if (code !== end) return false;
    this.#counts.illEnds += 1;
    const { isQuiet, isEverywhere } = { isQuiet: false, isEverywhere: true, ...this.#ailment };
    const lateMs = this.#nowMs() - (this.#sinceMs ?? this.#nowMs());
    check(!isQuiet || !isEverywhere || lateMs <= 10_000, `it ends within 10 s, not ${lateMs} ms`);
    return true;
  }

  /** The code that the run must end with; undefined when it must end well, or cannot end. */
  get #end(): ErrorCode | undefined {
    const ailment = this.#ailment;
    if (ailment?.kind === 'diverges' || ailment?.kind === 'overflows') return 'NON_FINITE';
    return ailment?.kind === 'refusesPulls' && ailment.code !== 'INTERNAL'
      ? ailment.code
      : undefined;
  }

  #shows(what: 'stumbles' | 'diverged' | 'pullsRefused'): true {
    this.#counts[what] += 1;
    this.#sinceMs ??= this.#nowMs();
    return true;
  }
}

/** An answer that comes to nothing. */
// biome-ignore lint/correctness/useYield: it throws before its first chunk.
async function* refusal(code: ErrorCode): AsyncGenerator<Chunk> {
  throw new TesseraError(code, 'this version is not given away', { hint: 'ask in vain' });
}
