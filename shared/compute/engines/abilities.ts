/** @file What a program asks for that not every engine can do. */
import type { ProgramSpec } from '../program.ts';
import type { Engine } from './engine.ts';

/** What of a program decides which engines can run it. */
export type Asked = Pick<ProgramSpec, 'precision' | 'recompute'>;

/** What an engine cannot do, and what to do then. */
export interface Lack {
  /** Follows the name of the engine: `does not compute in bf16`. */
  readonly sentence: string;
  readonly hint: string;
}

/** What of a program an engine cannot do; undefined when it can do all. */
export function lackOf(engine: Engine, { precision = 'f32', recompute }: Asked): Lack | undefined {
  const { precisions = ['f32'], isEager = false } = engine;
  if (!precisions.includes(precision)) {
    return {
      sentence: `does not compute in ${precision}`,
      hint: 'set training.precision: f32, or choose an engine of xla: `tessera doctor` shows which work here',
    };
  }
  if (isEager && recompute === 'blocks') {
    return {
      sentence: 'keeps all values of a step, so that training.recompute has no effect',
      hint: 'set training.recompute: none, or choose another engine',
    };
  }
  return undefined;
}
