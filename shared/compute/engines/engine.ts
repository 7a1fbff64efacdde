/** @file What an engine is: one object, light to import, that loads its library when it compiles. */
import type { Hardware } from '../hardware.ts';
import type { Program, ProgramSpec } from '../program.ts';

/** One way to run a program: a library on a kind of device. */
export interface Engine {
  /** The part of a description that decides bits: workers whose engines have one id compute the same. */
  readonly id: string;
  /** What people read. */
  readonly title: string;
  /** What `compute.engine` of a config calls it, and `compute.provider` where the library has several. */
  readonly name: string;
  readonly provider?: string;
  /** What it cannot run without; drivers of such hardware may take the process down. */
  readonly needs?: Hardware;
  /** What to type or install to get it. */
  readonly hint: string;
  /**
   * Prepares the training step of a model.
   *
   * Throws  ENGINE_UNAVAILABLE when the library cannot be loaded. ONNX Runtime starts when the program is first used,
   *         and throws it then.
   */
  compile(spec: ProgramSpec, threads: number): Promise<Program>;
}
