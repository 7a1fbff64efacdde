/** @file What the layers of vit.ts work on: parameters by name, and activations by token or in rows. */
import { TesseraError } from '../core/errors.ts';
import { type ParameterTable, parameterView } from './parameters.ts';
import * as tf from './tensorflow.ts';

/** The parameters of a model or of one of its parts as tensors, by timm's names. */
export type ParameterTensors<T extends tf.Tensor = tf.Tensor> = Readonly<Record<string, T>>;

/** Activations. Shapes  by token [B, T, D], or rows: [B * T, D], or [B, D] of one token. */
export type Activations = tf.Tensor3D | tf.Tensor2D;

/** Tensors of the values of a flat vector, which are copied: the caller may reuse it. */
export function namedTensors(flat: Float32Array, table: ParameterTable): ParameterTensors {
  return Object.fromEntries(
    table.entries.map((entry) => {
      // The cpu backend keeps the arrays that it is given.
      const values = parameterView(flat, entry).slice();
      return [entry.name, tf.tensor(values, [...entry.shape])];
    }),
  );
}

/**
 * The parameters of a part, by the names that they have in it: of `blocks.0` there are `norm1.weight`,
 * `attn.qkv.weight` and so on.
 *
 * Throws  USAGE when there is no such part.
 */
export function part<T extends tf.Tensor>(
  parameters: ParameterTensors<T>,
  name: string,
): ParameterTensors<T> {
  const prefix = `${name}.`;
  const own = Object.entries(parameters)
    .filter(([full]) => full.startsWith(prefix))
    .map(([full, tensor]) => [full.slice(prefix.length), tensor] as const);
  if (own.length === 0) throw missing(`part "${name}"`, parameters);
  return Object.fromEntries(own);
}

/** One parameter. Throws  USAGE when it is not there. */
export function parameterOf<T extends tf.Tensor>(parameters: ParameterTensors, name: string): T {
  const tensor = parameters[name];
  if (tensor === undefined) throw missing(`parameter "${name}"`, parameters);
  return tensor as T;
}

function missing(what: string, parameters: ParameterTensors): TesseraError {
  const names = Object.keys(parameters);
  const shown = names.slice(0, 4).join(', ');
  return new TesseraError('USAGE', `there is no ${what} among the ${names.length} parameters`, {
    hint: `they are ${shown}${names.length > 4 ? ', ...' : ''}; part(parameters, 'blocks.0') gives those of a part`,
  });
}

/**
 * Applies what a layer does to rows. Rows are taken as they are, so that the whole model, which computes in rows,
 * has no step more.
 *
 * Shapes  x [B, T, I] -> [B, T, O], or rows [R, I] -> [R, O].
 */
export function inRows<X extends Activations>(x: X, layer: (x_RI: tf.Tensor2D) => tf.Tensor2D): X {
  if (x.rank === 2) return layer(x as tf.Tensor2D) as X;
  const [batch, tokens, width] = x.shape as [number, number, number];
  const y_RO = layer(tf.reshape(x, [batch * tokens, width]));
  return tf.reshape(y_RO, [batch, tokens, y_RO.shape[1]]) as X;
}
