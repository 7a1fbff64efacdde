/** @file The last step of adding an engine, after its wheels are unpacked: what is loaded, and for which engine. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineAddition, KnownEngine } from '../../shared/catalog/engines.ts';
import { TesseraError } from '../../shared/core/errors.ts';

/** What a last step works on. */
export interface Finishing {
  /** The unpacked wheels, side by side. It is put in place once the step is done. */
  readonly folder: string;
  /** Where the folder will be: no absolute path into `folder` may be kept. */
  readonly target: string;
  /** The downloaded wheels, the main one first. */
  readonly wheels: readonly { readonly file: string; readonly path: string }[];
  /** A folder of files from which the engine is made without a network; undefined where there may be one. */
  readonly from: string | undefined;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly signal: AbortSignal;
  /** Says a line to the user. */
  readonly say: (line: string) => void;
}

/** What goes into the record. */
export interface Finished {
  /** What is loaded, relative to the folder. */
  readonly library: string;
  /** Id of the engine of the registry that it is for. */
  readonly engine: string;
  readonly version: string;
}

/** A last step. Throws  a TesseraError; the engine is then not there. */
type Finish = (finishing: Finishing) => Promise<Finished>;

/** Steps that build something; the others only look whether their plugin is there. */
const STEPS: Partial<Record<EngineAddition, Finish>> = {};

/** Names that are in the table and cannot be added yet, for want of their step. */
export function isMissingStep({ name, library }: KnownEngine): boolean {
  return library === undefined && STEPS[name] === undefined;
}

/** Does the last step of an engine. Throws  DATA_INVALID when the wheels do not hold the plugin; what a step throws. */
export async function finishEngine(known: KnownEngine, finishing: Finishing): Promise<Finished> {
  const { name, library = '', engine, wheels } = known;
  const step = STEPS[name];
  if (step !== undefined) return await step(finishing);
  await access(join(finishing.folder, library)).catch((cause: unknown) => {
    throw new TesseraError('DATA_INVALID', `the wheels of ${name} do not hold ${library}`, {
      hint: 'the index has other files than those that this version of Tessera knows: try another one with --index',
      cause,
    });
  });
  return { library, engine, version: wheels[0].version };
}
