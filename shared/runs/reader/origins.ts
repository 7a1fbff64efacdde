/** @file What a run was computed with, and whether what it did again after a resume came out alike. */
import { engineOn, type TimedEvent } from '../events.ts';

type EventOf<Type extends TimedEvent['type']> = Extract<TimedEvent, { type: Type }>;

/** An engine that computed for a run. */
interface RunEngine {
  /** Its identity, and the processor if it computes on that; by older versions its description, without a processor. */
  readonly name: string;
  /** It was first ready after this step. */
  readonly afterStep: number;
}

/** What a run began with, and what computed it. */
export interface RunOrigins {
  /** Sums of the parameters before the first step; older versions did not record them. */
  readonly firstSums: string | undefined;
  readonly engines: readonly RunEngine[];
  /** The first step that was continued from, or done again, with other parameters than it had before. */
  readonly changedStep: number | undefined;
}

/** Takes the records of a run in their order. */
export class OriginsCollector {
  #firstSums: string | undefined;
  readonly #engines = new Map<string, number>();
  #changedStep: number | undefined;
  /** Sums of steps that may be done again. */
  readonly #undone = new Map<number, string>();
  /** The version that the run is at. */
  #version = 0;

  /** A coordinator begins or resumes the run; `sums` are those that the step which it continues from has on record. */
  began({ begins }: EventOf<'data'>, sums: string | undefined): void {
    if (begins === undefined) return;
    const { version, parameterSums } = begins;
    this.#version = version;
    // Steps after it are done again: a worker that came for those alone computed nothing that stays.
    for (const [name, after] of this.#engines) if (after >= version) this.#engines.delete(name);
    if (version === 0) this.#firstSums = parameterSums;
    else if (sums !== undefined && sums !== parameterSums) this.#changed(version);
  }

  worker({ what, engine, processor, reason }: EventOf<'worker'>): void {
    if (what !== 'ready') return;
    const name = engineOn(engine ?? reason, processor);
    this.#engines.set(name, Math.min(this.#version, this.#engines.get(name) ?? this.#version));
  }

  /** Steps from `step` on are done again; these are the sums that they had. */
  undone(step: number, sums: readonly (readonly [number, string | undefined])[]): void {
    for (const [at, sum] of sums) if (sum !== undefined) this.#undone.set(at, sum);
    // Older versions did not say from where they resume: who was ready there may have come late in what was undone.
    for (const [name, after] of this.#engines) {
      if (after >= step) this.#engines.set(name, step - 1);
    }
  }

  step({ step, parameterSums }: Pick<EventOf<'step'>, 'step' | 'parameterSums'>): void {
    this.#version = step;
    const before = this.#undone.get(step);
    this.#undone.delete(step);
    const isKnown = before !== undefined && parameterSums !== undefined;
    if (isKnown && before !== parameterSums) this.#changed(step);
  }

  origins(): RunOrigins {
    return {
      firstSums: this.#firstSums,
      engines: [...this.#engines].map(([name, afterStep]) => ({ name, afterStep })),
      changedStep: this.#changedStep,
    };
  }

  #changed(step: number): void {
    this.#changedStep = Math.min(step, this.#changedStep ?? step);
  }
}
