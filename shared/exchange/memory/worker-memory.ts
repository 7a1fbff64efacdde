/** @file The worker's half of shared memory: what its session was offered. */
import type { ChunkPiece } from '../../contract/chunks.ts';
import type { SharedMemory } from '../../contract/messages.ts';
import { createLog } from '../../machine/log.ts';
import { type MemoryChunk, putChunks } from './memory-chunks.ts';
import { MemoryFile } from './memory-file.ts';

/** The memory of a session, open. */
export class WorkerMemory {
  readonly parameters: MemoryFile;
  readonly #pushes: MemoryFile;
  #isShort = false;

  private constructor(pushes: MemoryFile, parameters: MemoryFile) {
    this.#pushes = pushes;
    this.parameters = parameters;
  }

  /** Opens what is offered; undefined where it is not found, such as from another container. */
  static open(offer: SharedMemory): WorkerMemory | undefined {
    const pushes = MemoryFile.open(offer.pushes);
    const parameters = MemoryFile.open(offer.parameters);
    if (pushes !== undefined && parameters !== undefined) {
      log().info('vectors travel through the memory of this machine');
      return new WorkerMemory(pushes, parameters);
    }
    pushes?.close();
    parameters?.close();
    return undefined;
  }

  /** Writes a gradient; undefined when memory is short: it then travels by wire, and so do later ones, which are not cut. */
  async put(chunks: Iterable<ChunkPiece>): Promise<MemoryChunk[] | undefined> {
    if (this.#isShort) return undefined;
    try {
      return await putChunks(this.#pushes, chunks);
    } catch (error) {
      this.#isShort = true;
      log().warn(error, 'memory is short: gradients travel by wire');
      return undefined;
    }
  }

  /** Closes it here. */
  close(): void {
    this.#pushes.close();
    this.parameters.close();
  }
}

function log() {
  return createLog({ component: 'exchange' });
}
