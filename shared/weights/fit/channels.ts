/** @file A patch embedding for images of another number of channels. */

/** The inputs of a conversion. */
export interface ChannelOptions {
  readonly from: number;
  readonly to: number;
  /** Of a patch. */
  readonly height: number;
  readonly width: number;
}

/** Channels of a colour image. */
const COLOUR = 3;

/**
 * The weights of a patch embedding for `to` channels: summed up for one, else repeated, cut and scaled by from / to, so
 * that an image whose channels are all the same gives the same. Undefined where timm has no way.
 *
 * Shapes  [D, from, P, P] flat -> [D, to, P, P] flat.
 * Source  timm's `adapt_input_conv`; from one channel to several by the same rule, where timm refuses.
 */
export function adaptChannels(
  values: Float32Array,
  { from, to, height, width }: ChannelOptions,
): Float32Array | undefined {
  if (from === 0 || (to !== 1 && from !== 1 && from !== COLOUR)) return undefined;
  const size = height * width;
  const rows = values.length / (from * size);
  const adapted = new Float32Array(rows * to * size);
  const scale = to === 1 ? 1 : Math.fround(from / to);
  for (let pair = 0; pair < rows * Math.max(from, to); pair += 1) {
    const row = Math.floor(pair / Math.max(from, to));
    const channel = pair % Math.max(from, to);
    // Of colour made two channels, the third is cut off.
    if (to !== 1 && channel >= to) continue;
    const source = (row * from + (channel % from)) * size;
    const target = (row * to + (channel % to)) * size;
    for (let i = 0; i < size; i += 1) {
      adapted[target + i] = (adapted[target + i] ?? 0) + scale * (values[source + i] ?? 0);
    }
  }
  return adapted;
}
