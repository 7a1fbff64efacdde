/** @file What a plugin made and this process owns: each is destroyed once, and counted, so that tests see a leak. */
import { assert } from '../../../core/errors.ts';
import type { Plugin } from './plugin.ts';

/** Kinds of things, and what destroys them. */
const DESTROYERS = {
  client: 'Client_Destroy',
  topology: 'TopologyDescription_Destroy',
  buffer: 'Buffer_Destroy',
  event: 'Event_Destroy',
  executable: 'Executable_Destroy',
  loadedExecutable: 'LoadedExecutable_Destroy',
} as const;

export type HandleKind = keyof typeof DESTROYERS;

const live: Record<HandleKind, number> = {
  ...{ client: 0, topology: 0, buffer: 0, event: 0, executable: 0, loadedExecutable: 0 },
};

/** How many things of each kind this thread owns now. */
export function liveHandles(): Readonly<Record<HandleKind, number>> {
  return { ...live };
}

/** An address that belongs to one owner, who destroys it; nothing is left to the garbage collector. */
export class Handle {
  readonly plugin: Plugin;
  readonly #kind: HandleKind;
  #address: bigint;

  constructor(plugin: Plugin, kind: HandleKind, address: bigint) {
    assert(address !== 0n, `the plugin made a ${kind}`);
    this.plugin = plugin;
    this.#kind = kind;
    this.#address = address;
    live[kind] += 1;
  }

  /** Throws  INTERNAL when it is destroyed already. */
  get address(): bigint {
    assert(this.#address !== 0n, `a destroyed ${this.#kind} is not used again`);
    return this.#address;
  }

  /** Frees it; a second call does nothing. */
  destroy(): void {
    if (this.#address === 0n) return;
    const handle = this.#address;
    this.#address = 0n;
    live[this.#kind] -= 1;
    this.plugin.call(DESTROYERS[this.#kind], { handle });
  }
}
