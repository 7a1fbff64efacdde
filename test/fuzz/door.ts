/**
 * @file A door: a place where bytes of strangers come in, and what hammers on it.
 *
 * Every input must be accepted or refused with a foreseen TesseraError that a terminal can show, soon, without keeping
 * memory and without a trace outside of the door's own folder.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type ErrorCode, TesseraError } from '../../shared/core/errors.ts';
import { strays } from './sandbox.ts';
import { PEAK_BYTES_MAX, watch } from './watchdog.ts';

/** What a door is made of. */
export interface DoorPlan<T> {
  readonly name: string;
  /** Inputs of a short run. */
  readonly numInputs: number;
  readonly inputs: fc.Arbitrary<T>;
  /** Lets one input in. Throws  a TesseraError of one of the `refusals`. */
  readonly enter: (input: T) => unknown;
  readonly refusals: readonly ErrorCode[];
  /** Shares of the inputs that must at least come in, and be refused: with less the door tests nothing any more. */
  readonly least: Shares;
}

interface Shares {
  readonly accepted: number;
  readonly refused: number;
}

/** How many inputs came, and what became of them. */
export interface DoorCounts {
  readonly inputs: number;
  readonly refused: number;
  readonly accepted: number;
}

/** A door, ready to be hammered on. */
export interface Door {
  readonly name: string;
  readonly least: Shares;
  hammer(seed: number, factor: number): Promise<DoorCounts>;
}

/** Time of the processor that one input may take, and real time that it may wait. */
const WORK_MS = 2_000;
const WAIT_MS = 30_000;
/** Buffers and memory of native code that one input may leave behind, and memory that a door may keep. */
const INPUT_BYTES_MAX = 64 * 1024 ** 2;
const KEPT_BYTES_MAX = 32 * 1024 ** 2;

/** Turns in which what is let go has to go. */
const TURNS_MAX = 3;

/** Makes a door of its plan. */
export function door<T>(plan: DoorPlan<T>): Door {
  const { name, least } = plan;
  return { name, least, hammer: (seed, factor) => hammer(plan, seed, factor) };
}

/** Memory after the last door. */
let keptBefore: number | undefined;

async function hammer<T>(plan: DoorPlan<T>, seed: number, factor: number): Promise<DoorCounts> {
  const { name, inputs } = plan;
  const counts = { inputs: 0, refused: 0, accepted: 0 };
  keptBefore ??= (await keptBytes()).bytes;
  const property = fc.asyncProperty(inputs, async (input) => {
    counts.inputs += 1;
    if (await isAccepted(plan, input)) counts.accepted += 1;
    else counts.refused += 1;
  });
  const tick = watch(`door "${name}", FUZZ_SEED=${seed}`);
  await fc.assert(
    property.beforeEach(async () => tick()),
    { seed, numRuns: Math.ceil(plan.numInputs * factor), timeout: WAIT_MS },
  );
  const found = strays();
  if (found.length > 0) throw new Error(`${name}: these were written outside: ${found.join()}`);
  const allowed = keptBefore + KEPT_BYTES_MAX;
  const kept = await keptBytes(allowed);
  if (kept.bytes > allowed) {
    throw new Error(`${name}: memory grew from ${keptBefore} to ${kept.bytes} bytes`);
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  if (peakBytes > PEAK_BYTES_MAX) throw new Error(`${name}: the process had ${peakBytes} bytes`);
  // What was enough with its garbage is no measure of what stays.
  if (kept.isCollected) keptBefore = kept.bytes;
  return counts;
}

/** Control characters; of those only line ends and tabs may stand in a sentence. */
const OBEYED = /[^\P{Cc}\n\t]/u;

async function isAccepted<T>({ enter, refusals }: DoorPlan<T>, input: T): Promise<boolean> {
  const check = startMeasuring();
  try {
    const result = enter(input);
    if (result instanceof Promise) await result;
    return true;
  } catch (thrown) {
    if (!(thrown instanceof TesseraError) || !refusals.includes(thrown.code)) throw thrown;
    const said = `${thrown.message}\n${thrown.hint ?? ''}`;
    if (OBEYED.test(said)) throw new Error(`a terminal obeys ${JSON.stringify(said)}`);
    return false;
  } finally {
    check();
  }
}

/** What is called when an input is through. Throws  what it cost too much of. */
function startMeasuring(): () => void {
  const externalBefore = process.memoryUsage().external;
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const external = process.memoryUsage().external - externalBefore;
    if (external > INPUT_BYTES_MAX) throw new Error(`it left ${external} bytes beside the heap`);
    // A busy machine makes anything slow: only work of our own counts.
    if (performance.now() - startedMs < WORK_MS) return;
    const { user, system } = process.cpuUsage(cpu);
    const workMs = (user + system) / 1000;
    if (workMs > WORK_MS) throw new Error(`it took ${workMs} ms of work`);
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes on the heap and beside it, collected until they are `enough`: native code lets go of its own some turns later. */
async function keptBytes(enough = 0): Promise<{ bytes: number; isCollected: boolean }> {
  for (let turn = 0; ; turn += 1) {
    const { heapUsed, external } = process.memoryUsage();
    const bytes = heapUsed + external;
    if (bytes <= enough || turn > TURNS_MAX) return { bytes, isCollected: turn > 0 };
    if (turn > 0) await setImmediate();
    collectGarbage();
  }
}
