/** @file Parameters as bfloat16, for all workers that pull them: rounded once a version, where reducers reach them. */
import type { Reducers } from '../reducers/reducers.ts';

/**
 * The rounded parameters of the newest version that was asked for.
 *
 * Two buffers by turns, as the parameters have: what is on its way from one of them is written over two versions later.
 */
export class RoundedParameters {
  readonly #reducers: Reducers;
  /** Two bfloat16 in the place of each float32. */
  #room: Float32Array | undefined;
  #spare: Float32Array | undefined;
  #version = -1;
  #halves: Promise<Uint16Array> = Promise.resolve(new Uint16Array());

  constructor(reducers: Reducers) {
    this.#reducers = reducers;
  }

  /** The values of a version, which is the newest, as bfloat16. Only to be read. */
  of(version: number, values: Float32Array): Promise<Uint16Array> {
    if (version === this.#version) return this.#halves;
    this.#version = version;
    this.#halves = this.#round(values, this.#halves);
    return this.#halves;
  }

  async #round(values: Float32Array, before: Promise<unknown>): Promise<Uint16Array> {
    await before;
    const { vectors } = this.#reducers;
    const room = this.#spare ?? vectors.float32(Math.ceil(values.length / 2));
    [this.#room, this.#spare] = [room, this.#room];
    const job = { type: 'round', vectors: { values, halves: room } } as const;
    await this.#reducers.run({ ...job, from: 0, to: values.length });
    return new Uint16Array(room.buffer, room.byteOffset, values.length);
  }
}
