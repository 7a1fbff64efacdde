/** @file Compiled programs that are kept for other processes: what an engine needs of their keeper. */

/** What decides the contents of an executable. */
export interface ExecutableKey {
  /** SHA-256, in hex, of the program's text, the options, the plugin, its version and the kind of device. */
  readonly digest: string;
  /** One line for people: `training of ViT-Ti/16 for NVIDIA H200`. */
  readonly title: string;
}

/** Finds executables. Compilation on a GPU times its choices, so two compilations may differ in bits: one is for all. */
export interface ExecutableStore {
  /**
   * The executable of a key; undefined when the caller is to compile it, and to `put` or `abandon` it then. Waits while
   * another worker compiles.
   */
  take(key: ExecutableKey): Promise<Uint8Array | undefined>;
  /** Gives what was compiled to all; returns the bytes that all use, which are another's where those came first. */
  put(key: ExecutableKey, bytes: Uint8Array): Promise<Uint8Array>;
  /** The compilation failed: another worker may try. */
  abandon(key: ExecutableKey): Promise<void>;
}
