/** @file The coordinator's half of shared memory: one file for the parameters, one for the pushes of each session. */
import { statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import type { SharedMemory } from '../../contract/messages.ts';
import { MEMORY_FOLDER, MemoryFile } from './memory-file.ts';
import { SharedVector } from './shared-vector.ts';

/** Smaller vectors travel by wire, in fewer calls. */
const VECTOR_BYTES_MIN = 4 * 2 ** 20;
/** Free memory that a file must leave, in vectors. */
const VECTORS_FREE = 4;

/** Memory that is shared with the workers on this machine. */
export class MemoryHost {
  readonly #vectorBytes: number;
  readonly #vectorBytesMin: number;
  readonly #isOwn: (peer: string) => boolean;
  readonly #files = new Map<string, MemoryFile>();
  #parameters: { readonly file: MemoryFile; readonly vector: SharedVector } | undefined;

  /** `isOwn` says whether a peer is a process of this account on this machine. Units  bytes. */
  constructor(
    vectorBytes: number,
    isOwn: (peer: string) => boolean,
    vectorBytesMin = VECTOR_BYTES_MIN,
  ) {
    this.#vectorBytes = vectorBytes;
    this.#isOwn = isOwn;
    this.#vectorBytesMin = vectorBytesMin;
  }

  /** Makes the memory of a session; undefined for others than own processes, where the wire is better, or memory is short. */
  offer(session: string, peer: string): SharedMemory | undefined {
    if (this.#vectorBytes < this.#vectorBytesMin || !this.#isOwn(peer)) return undefined;
    if (freeBytes() < VECTORS_FREE * this.#vectorBytes) return undefined;
    this.#parameters ??= parametersFile();
    const pushes = MemoryFile.create();
    if (pushes === undefined || this.#parameters === undefined) {
      pushes?.close();
      return undefined;
    }
    this.#files.set(session, pushes);
    return { pushes: pushes.place, parameters: this.#parameters.file.place };
  }

  /** What a session pushes into; undefined when it was offered none. */
  pushesOf(session: string): MemoryFile | undefined {
    return this.#files.get(session);
  }

  /** Where parameters are put for a session; undefined when it was offered no memory, or memory has become short. */
  parametersFor(session: string): SharedVector | undefined {
    const vector = this.#files.has(session) ? this.#parameters?.vector : undefined;
    return vector?.isShort ? undefined : vector;
  }

  /** Frees the memory of a session. */
  end(session: string): void {
    this.#files.get(session)?.close();
    this.#files.delete(session);
  }

  /** Frees all of it. */
  close(): void {
    for (const session of [...this.#files.keys()]) this.end(session);
    this.#parameters?.file.close();
    this.#parameters = undefined;
  }
}

function parametersFile() {
  const file = MemoryFile.create();
  return file && { file, vector: new SharedVector(file) };
}

/** What files in memory may still take. */
function freeBytes(): number {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    return Math.min(bavail * bsize, process.availableMemory?.() ?? freemem());
  } catch {
    return 0;
  }
}
