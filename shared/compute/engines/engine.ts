/** @file What an engine is: one object, light to import, that loads its library when it compiles. */

import type { Precision } from '../../model/precision.ts';
import type { ExecutableStore } from '../executables.ts';
import type { Hardware } from '../hardware.ts';
import type { Program, ProgramSpec } from '../program.ts';

/** How a program is compiled, besides what its numbers depend on. */
export interface CompileOptions {
  /** Threads of a program, which devices of a CPU divide; engines on GPUs ignore it. */
  readonly threads: number;
  /** Numbers of the devices to compute on; unless given all that there are, of a CPU one. Engines of one device ignore it. */
  readonly devices?: readonly number[] | undefined;
  /** Where programs that were compiled before are found; without it each process compiles for itself. */
  readonly executables?: ExecutableStore | undefined;
}

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
  /** Whether its library may take the process down, whatever the hardware: it is tried in a process of its own. */
  readonly isFragile?: boolean;
  /** Says what of it is not installed, by a cheap look; undefined when it can be tried. */
  readonly lacking?: () => Promise<string | undefined>;
  /** What is installed for it, by the name that `tessera engines` has for it; undefined where nothing is. */
  readonly plugin?: () => Promise<string | undefined>;
  /** Never taken by `auto`: it is for tests, or slower than what comes with the package. */
  readonly onlyByName?: boolean;
  /** The precisions that it can compute in; float32 alone unless given. */
  readonly precisions?: readonly Precision[];
  /** It runs the step operation by operation, and keeps what is to be computed again. */
  readonly isEager?: boolean;
  /** What to type or install to get it. */
  readonly hint: string;
  /**
   * Prepares the training step of a model.
   *
   * Throws  ENGINE_UNAVAILABLE when the library cannot be loaded. ONNX Runtime starts when the program is first used,
   *         and throws it then.
   */
  compile(spec: ProgramSpec, options: CompileOptions): Promise<Program>;
}
