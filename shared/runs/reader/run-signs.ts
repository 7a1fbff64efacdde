/**
 * @file Who is at the address that a run's coordinator had: itself, another run, or another program.
 *
 * Ports are reused. A timeout, or a reply that is not about this very run, does not mean that it is alive.
 */
import { realpath } from 'node:fs/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import { fetchStatus, isNotListening, type StatusReply } from '../../exchange/grpc/operator.ts';

/** The process at an address. */
export interface Neighbour {
  /** It is the coordinator of the run that is asked about. */
  readonly isOwn: boolean;
  /** What else is there, as the end of "127.0.0.1:50051 is ..."; undefined if nothing listens. */
  readonly occupant: string | undefined;
}

const NO_LISTENER: Neighbour = { isOwn: false, occupant: undefined };
const OTHER_PROGRAM: Neighbour = { isOwn: false, occupant: "another program's port now" };

/** A coordinator on this machine replies at once; one that does not is gone. */
const ANSWER_MS = 1000;
/** Limit for all queries of one command together; addresses beyond it count as silent. */
const ANSWERS_MS = 3000;

/** Asks at addresses, at each once, and all within one time. */
export class Neighbours {
  readonly #untilMs: number;
  readonly #asked = new Map<string, Promise<StatusReply | Neighbour>>();

  constructor(withinMs = ANSWERS_MS) {
    this.#untilMs = performance.now() + withinMs;
  }

  /** Who is at the address that the coordinator of a run had. */
  async at(address: string, runFolder: string): Promise<Neighbour> {
    const asked = this.#asked.get(address) ?? this.#ask(address);
    this.#asked.set(address, asked);
    const found = await asked;
    if ('occupant' in found) return found;
    if (await isOfRun(found, runFolder)) return { isOwn: true, occupant: undefined };
    return { isOwn: false, occupant: occupantIn(found) };
  }

  async #ask(address: string): Promise<StatusReply | Neighbour> {
    const timeoutMs = Math.floor(Math.min(ANSWER_MS, this.#untilMs - performance.now()));
    if (timeoutMs < 1) return NO_LISTENER;
    try {
      return await fetchStatus({ address, timeoutMs });
    } catch (thrown) {
      return isNotListening(TesseraError.from(thrown)) ? NO_LISTENER : OTHER_PROGRAM;
    }
  }
}

/** Describes the other run that replies at a run's former address. */
export function occupantIn({ run, runFolder }: StatusReply): string {
  return `the address of another run now (${run}, in ${runFolder})`;
}

/** Whether a coordinator's answer is about the run in a folder of this machine. */
export async function isOfRun(reply: StatusReply, runFolder: string): Promise<boolean> {
  // One of an older version says its folder as it was typed, relative to where that was.
  if (!isAbsolute(reply.runFolder))
    return basename(reply.runFolder) === basename(resolve(runFolder));
  const [theirs, ours] = await Promise.all([placeOf(reply.runFolder), placeOf(runFolder)]);
  return theirs === ours;
}

async function placeOf(folder: string): Promise<string> {
  return await realpath(folder).catch(() => resolve(folder));
}
