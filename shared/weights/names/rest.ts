/**
 * @file Tensors that are neither backbone nor head: ignored, or refused because they would change the numbers.
 *
 * A file may hold a decoder, a loss or counters: a classifier does not use them. But a tensor inside the model's own
 * modules, or of a part that other kinds of ViT have, says that its model computes something else.
 */
import { NAME_MAX } from './head.ts';
import type { Naming } from './names.ts';

/** `left`: not used and listed. `changes`: refused. `head`: refused where the head of the file is kept. */
export type Fate = 'left' | 'changes' | 'head';

/** The inputs of the decision. */
export interface RestContext {
  readonly naming: Naming;
  readonly prefix: string;
  readonly width: number;
}

/** Modules of the model itself, in each library. */
const OWN: Readonly<Record<Naming, RegExp>> = {
  timm: /^(?:blocks|patch_embed|norm|cls_token|pos_embed)(?:\.|$)/,
  torchvision: /^(?:conv_proj|encoder|class_token)(?:\.|$)/,
  huggingface: /^(?:embeddings|encoder|layers|layernorm)(?:\.|$)/,
};

/** Parts that a classifier does not use, by any part of their name; counters that profilers leave in every module. */
const UNUSED =
  /(?:^|[._])(?:mask_?token|mask_embed\w*|position_ids|decoder\w*|predictor\w*|project(?:or|ion)\w*|pooler|criterion\w*|loss\w*|metrics?|optimizer|queue\w*|teacher|student|ema|momentum\w*|total_ops|total_params|n_averaged|lm_head|(?:dino|ibot|mim|aux)_?head)(?:[._]|$)/;

/** Parts of other kinds of ViT (registers, a second class token, norms, pools, positions, adapters). */
const OTHER_KINDS =
  /^(?:fc_norm|norm|ln|layer_?norm|reg_?token|register|storage_token|dist|cls|class_(?:token|emb)|pos|patch|prompt|adapter|lora|rel_pos|relative|rope|rotary|freqs|attn|attention|stem|conv|token|blocks|layers?|stages?|gate|gamma|ls\d|temporal|time_|latent|probe|bottleneck|neck|embed|encoder|transformer|resblocks|visual)/;

/** Pixels that are normalised inside of the model. */
const PIXELS = /(?:^|[._])(?:pixel_)?(?:mean|std)$/;

/** The fate of a tensor that is neither of the backbone nor of the head. */
export function fateOf(
  name: string,
  shape: readonly number[],
  { naming, prefix, width }: RestContext,
): Fate {
  const isInside = name.startsWith(prefix);
  const inner = (isInside ? name.slice(prefix.length) : name).slice(0, NAME_MAX);
  if (UNUSED.test(inner)) return 'left';
  if (isInside && OWN[naming].test(inner)) return 'changes';
  if (isInside && OTHER_KINDS.test(inner)) return 'changes';
  return mayStandBefore(shape, width) || PIXELS.test(inner) || /^pre_logits\./.test(inner)
    ? 'head'
    : 'left';
}

/** Whether a layer with such a tensor fits between backbone and head: it takes and gives the width. */
function mayStandBefore(shape: readonly number[], width: number): boolean {
  return shape.length <= 2 && shape.length > 0 && shape.every((side) => side === width);
}
