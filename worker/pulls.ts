/** @file Parameters on their way in: pulled into a buffer that is free, then put in place of those that the engine has. */
import type { ParametersId } from '../shared/contract/messages.ts';
import type { Exchange } from '../shared/exchange/exchange.ts';
import { roundBfloat16 } from '../shared/kernels/values.ts';
import { isInPlace, pullOf } from './core/wanted-parameters.ts';
import type { Preparation } from './prepare.ts';

/** What the pulls of a worker are for. */
export type PullUser = Pick<Preparation, 'engine' | 'parameterCount' | 'frozen'>;

/** How long the coordinator may wait for a version that is asked for ahead. */
const AHEAD_MS = 10_000;

/** The pulls of one worker, for one engine after the other. */
export class Pulls {
  readonly #exchange: () => Pick<Exchange, 'pull'>;
  /** A buffer that the engine gave back, for the next pull. */
  #spare: Float32Array | undefined;
  /** The parameters that never change are in place. */
  #hasFrozen = false;

  /** What was asked for before it was wanted; undefined parameters where that failed. */
  #ahead:
    | { readonly wanted: ParametersId; readonly parameters: Promise<Float32Array | undefined> }
    | undefined;

  constructor(exchange: () => Pick<Exchange, 'pull'>) {
    this.#exchange = exchange;
  }

  /** There is another engine, which has no parameters yet. */
  begin(): void {
    this.#hasFrozen = false;
    this.#ahead = undefined;
  }

  /** Asks for parameters that are still to be made; what fails is asked for again when it is wanted. */
  prefetch({ version, average, valueType }: ParametersId, user: PullUser): void {
    if (!this.#hasFrozen) return;
    const wanted = { version, ...(average && { average }), ...(valueType && { valueType }) };
    const parameters = this.#pull(wanted, user, AHEAD_MS).catch(() => undefined);
    this.#ahead = { wanted, parameters };
  }

  /** All parameters the first time, later those that train. Throws  as `Exchange.pull` does. */
  async fetch(wanted: ParametersId, user: PullUser): Promise<Float32Array> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isAhead = ahead !== undefined && isInPlace(wanted, ahead.wanted);
    return (isAhead ? await ahead.parameters : undefined) ?? (await this.#pull(wanted, user, 0));
  }

  async #pull(
    wanted: ParametersId,
    { parameterCount, frozen }: PullUser,
    waitMs: number,
  ): Promise<Float32Array> {
    const { range, isRoundedHere } = pullOf(wanted, { frozen, hasFrozen: this.#hasFrozen });
    const length = parameterCount - range.first;
    const target = this.#spare?.length === length ? this.#spare : new Float32Array(length);
    this.#spare = undefined;
    await this.#exchange().pull({ ...range, waitMs }, target);
    if (isRoundedHere) roundBfloat16(target.subarray(frozen));
    return target;
  }

  /** Puts what was fetched in place; leaves that are sent later are behind it. Throws  what the engine says. */
  async place(parameters: Float32Array, { engine }: PullUser): Promise<void> {
    this.#hasFrozen = true;
    this.#spare = await engine.setParameters(parameters);
  }
}
