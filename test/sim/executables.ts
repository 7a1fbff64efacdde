/**
 * @file Compiled programs in a simulated world: each compilation gives bits of its own, as on a GPU that times its
 * choices, and workers die in the middle of one. All workers must use the same, or say that they do not.
 */
import type { ExecutableKey, ExecutableStore } from '../../shared/compute/executables.ts';
import { createLog, type Logger } from '../../shared/machine/log.ts';
import { SIM_LOG } from './coordinator.ts';
import type { Dice } from './dice.ts';
import type { Host } from './host.ts';
import { check } from './violation.ts';
import type { World } from './world.ts';

const KEY: ExecutableKey = { digest: 'e'.repeat(64), title: 'training' };
const COMPILE_MS_MAX = 1_500;
const BYTES_MAX = 300;

/** Workers of a world compile, where this is set. */
export interface Compiling {
  readonly failPerCompilation: number;
}

/** Whether workers of a world compile, and how often that fails. */
export function drawCompiling(dice: Dice): Compiling | undefined {
  return dice.chance(0.4) ? { failPerCompilation: dice.between(0, 0.5) } : undefined;
}

/** The executables of a world, and what holds for them. */
export class SimExecutables {
  readonly #world: World;
  /** The one that workers use, in hex. */
  #agreed: string | undefined;
  /** The disk has refused it: the next coordinator does not have it. */
  #isUnsaved = false;

  constructor(world: World) {
    this.#world = world;
  }

  get #compiling(): Compiling | undefined {
    return this.#world.settings.compiling;
  }

  /** The log of a worker; it calls `onOwn` when the worker says that it uses an executable of its own. */
  workerLog(onOwn: () => void): Logger {
    return this.#watched((line) => line.includes('uses its own executable') && onOwn());
  }

  /** The log of a coordinator, which says when an executable is not on the disk, or damaged. */
  coordinatorLog(): Logger {
    return this.#watched((line) => {
      if (line.includes('cannot be written')) this.#isUnsaved = true;
      if (!line.includes('cannot be read')) return;
      // One that has lost its run may finish a write that it has begun.
      const isMeddled = this.#world.strangers.isThere;
      this.#world.watch(() => check(isMeddled, 'an executable that was kept can be read'));
      this.#agreed = undefined;
    });
  }

  /** A coordinator starts: it has what is on the disk. */
  coordinatorStarted(): void {
    if (this.#isUnsaved) this.#agreed = undefined;
    this.#isUnsaved = false;
  }

  /** A worker gets its executable, from the run or by compiling it; `isOwn` returns whether it said that it is its own. */
  async makeReady(
    host: Host,
    store: ExecutableStore | undefined,
    isOwn: () => boolean,
  ): Promise<void> {
    if (this.#compiling === undefined || store === undefined) return;
    for (;;) {
      const taken = await store.take(KEY);
      const bytes = taken ?? (await this.#compile(host, store));
      if (bytes === undefined) continue;
      if (taken !== undefined) this.#world.counts.executablesTaken += 1;
      const found = Buffer.from(bytes).toString('hex');
      this.#world.note({ worker: host.name, executable: found.slice(0, 16), isOwn: isOwn() });
      if (isOwn()) return;
      this.#agreed ??= found;
      const isSame = this.#agreed === found;
      this.#world.watch(() =>
        check(isSame, 'P2: workers use one executable, or say that they do not'),
      );
      return;
    }
  }

  async #compile(host: Host, store: ExecutableStore): Promise<Uint8Array | undefined> {
    const { executables: dice } = this.#world.dice;
    await host.clock.sleep(dice.between(50, COMPILE_MS_MAX));
    if (dice.chance(this.#compiling?.failPerCompilation ?? 0)) {
      this.#world.counts.executablesReleased += 1;
      await store.abandon(KEY);
      return undefined;
    }
    this.#world.counts.executablesCompiled += 1;
    const length = dice.integer(1, BYTES_MAX);
    return await store.put(
      KEY,
      Uint8Array.from({ length }, () => dice.integer(0, 255)),
    );
  }

  #watched(look: (line: string) => unknown): Logger {
    if (this.#compiling === undefined) return SIM_LOG;
    return createLog({ component: 'sim', level: 'warn', destination: { write: look } });
  }
}
