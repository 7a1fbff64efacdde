/** @file The programs of a step on the devices, each compiled, or found compiled, when it is first used. */
import { createHash } from 'node:crypto';
import { assert, TesseraError } from '../../../core/errors.ts';
import { createLog } from '../../../machine/log.ts';
import { parameterTable } from '../../../model/parameters.ts';
import type { ExecutableKey, ExecutableStore } from '../../executables.ts';
import { recordPart } from '../../graph/steps.ts';
import { addProgram, type DeviceProgram, lowerPart } from '../../lower/stablehlo/programs.ts';
import type { ProgramSpec } from '../../program.ts';
import type { Part } from '../../step.ts';
import { compileOverrides, encodeCompileOptions } from './compile-options.ts';
import type { LoadedProgram } from './executable.ts';
import type { OpenDevices } from './open.ts';

/** A program on the devices, and what it takes, in order. */
export interface ReadyProgram extends Pick<DeviceProgram, 'inputs'> {
  readonly program: LoadedProgram;
}

/** How programs are compiled, and where those are that were compiled before. */
export interface ProgramOptions {
  readonly open: OpenDevices;
  readonly platform: Parameters<typeof compileOverrides>[0];
  readonly executables: ExecutableStore | undefined;
}

/** What a program is for. */
type Purpose = Part | 'sums';

/** The programs of one spec. */
export class Programs {
  readonly #spec: ProgramSpec;
  readonly #open: OpenDevices;
  readonly #options: Uint8Array;
  readonly #executables: ExecutableStore | undefined;
  readonly #ready = new Map<Purpose, ReadyProgram>();
  #isDisposed = false;

  constructor(spec: ProgramSpec, { open, platform, executables }: ProgramOptions) {
    this.#spec = spec;
    this.#open = open;
    this.#executables = executables;
    const { apiVersion } = open.client.plugin;
    this.#options = encodeCompileOptions(
      compileOverrides(platform, apiVersion, spec.precision ?? 'f32'),
    );
  }

  /** The program of a part, or the one that adds two gradients. Throws  PjrtError when it does not compile. */
  async get(purpose: Purpose): Promise<ReadyProgram> {
    assert(!this.#isDisposed, 'a disposed program is not used again');
    const known = this.#ready.get(purpose);
    if (known !== undefined) return known;
    const lowered = await this.#lower(purpose);
    const ready = { inputs: lowered.inputs, program: await this.#find(lowered, purpose) };
    this.#ready.set(purpose, ready);
    return ready;
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const { program } of this.#ready.values()) program.destroy();
    this.#ready.clear();
  }

  async #lower(purpose: Purpose): Promise<DeviceProgram> {
    const { model, frozen = 0, gradients } = this.#spec;
    if (purpose === 'sums') return addProgram(parameterTable(model).size - frozen, gradients);
    return lowerPart(this.#spec, purpose, await recordPart(this.#spec, purpose));
  }

  /** Loads what was compiled before, or compiles it and gives it to all. */
  async #find(lowered: DeviceProgram, purpose: Purpose): Promise<LoadedProgram> {
    const store = this.#executables;
    // The sum of two vectors has the same bits however it is compiled.
    if (store === undefined || purpose === 'sums') return this.#compile(lowered);
    const key = this.#keyOf(lowered, purpose);
    const kept = await store.take(key);
    if (kept !== undefined) return this.#load(kept, lowered, key) ?? this.#compile(lowered);
    return this.#compileForAll(lowered, key, store);
  }

  async #compileForAll(
    lowered: DeviceProgram,
    key: ExecutableKey,
    store: ExecutableStore,
  ): Promise<LoadedProgram> {
    let compiled: LoadedProgram | undefined;
    let bytes: Uint8Array;
    try {
      compiled = this.#compile(lowered);
      bytes = compiled.serialize();
    } catch (error) {
      compiled?.destroy();
      await store.abandon(key);
      throw error;
    }
    try {
      const used = await store.put(key, bytes);
      if (Buffer.compare(used, bytes) === 0) return compiled;
      const loaded = this.#load(used, lowered, key);
      if (loaded === undefined) return compiled;
      compiled.destroy();
      return loaded;
    } catch (error) {
      compiled.destroy();
      throw error;
    }
  }

  #compile({ text, inputs, outputs }: DeviceProgram): LoadedProgram {
    return this.#open.client.compile(text, this.#options, { inputs, outputs });
  }

  /** Undefined, with a warning, when the bytes do not load: what is compiled in their place may have other bits. */
  #load(
    bytes: Uint8Array,
    { inputs, outputs }: DeviceProgram,
    { digest, title }: ExecutableKey,
  ): LoadedProgram | undefined {
    try {
      return this.#open.client.load(bytes, { inputs, outputs });
    } catch (error) {
      createLog({ component: 'engine' }).warn(
        { title, digest, error: TesseraError.from(error).sentence },
        'an executable that was kept does not load here: compiled again, bits may differ from other workers',
      );
      return undefined;
    }
  }

  #keyOf({ text }: DeviceProgram, purpose: Purpose): ExecutableKey {
    const { model, microBatch } = this.#spec;
    const { fingerprint, identity } = this.#open;
    const hash = createHash('sha256');
    for (const part of [text, this.#options, fingerprint]) {
      const bytes = Buffer.from(part as string);
      hash.update(`${bytes.length}\n`).update(bytes);
    }
    const vit = `a ViT of width ${model.width}, depth ${model.depth}`;
    return {
      digest: hash.digest('hex'),
      title: `${purpose} of ${vit}, ${microBatch} images a leaf, for ${identity}`,
    };
  }
}
