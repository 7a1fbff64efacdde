/** @file Parameters on their way in: pulled into a buffer that is free, then put in place of those that the engine has. */
import type { ParametersId } from '../shared/contract/messages.ts';
import type { Exchange } from '../shared/exchange/exchange.ts';
import { roundBfloat16 } from '../shared/kernels/values.ts';
import { pullOf } from './core/wanted-parameters.ts';
import type { Preparation } from './prepare.ts';

/** What the pulls of a worker are for. */
export type PullUser = Pick<Preparation, 'engine' | 'parameterCount' | 'frozen'>;

/** The pulls of one worker, for one engine after the other. */
export class Pulls {
  readonly #exchange: () => Pick<Exchange, 'pull'>;
  /** A buffer that the engine gave back, for the next pull. */
  #spare: Float32Array | undefined;
  /** The parameters that never change are in place. */
  #hasFrozen = false;

  constructor(exchange: () => Pick<Exchange, 'pull'>) {
    this.#exchange = exchange;
  }

  /** There is another engine, which has no parameters yet. */
  begin(): void {
    this.#hasFrozen = false;
  }

  /** All parameters the first time, later those that train. Throws  as `Exchange.pull` does. */
  async fetch(wanted: ParametersId, { parameterCount, frozen }: PullUser): Promise<Float32Array> {
    const { range, isRoundedHere } = pullOf(wanted, { frozen, hasFrozen: this.#hasFrozen });
    const length = parameterCount - range.first;
    const target = this.#spare?.length === length ? this.#spare : new Float32Array(length);
    this.#spare = undefined;
    await this.#exchange().pull(range, target);
    if (isRoundedHere) roundBfloat16(target.subarray(frozen));
    return target;
  }

  /** Puts what was fetched in place; leaves that are sent later are behind it. Throws  what the engine says. */
  async place(parameters: Float32Array, { engine }: PullUser): Promise<void> {
    this.#hasFrozen = true;
    this.#spare = await engine.setParameters(parameters);
  }
}
