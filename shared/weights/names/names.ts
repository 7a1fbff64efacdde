/**
 * @file The names of the parameters of a ViT in other libraries.
 *
 * One table a library: timm's module -> theirs. The first spelling is the one that we write; the others
 * are those of other versions. `#` is the number of a block; three names are parts to be joined as q, k, v.
 *
 * Source  the modules of timm 1.0, torchvision 0.6 to 0.29 and transformers 4 and 5.
 */

/** A library whose names are known. */
export type Naming = 'timm' | 'torchvision' | 'huggingface';

/** One way to store a parameter of ours: the names of its parts, nearly always one. */
export interface Spelling {
  /** timm's name. */
  readonly ours: string;
  readonly theirs: readonly string[];
}

type Modules = Readonly<Record<string, readonly (string | readonly [string, string, string])[]>>;

const TORCHVISION_LAYER = 'encoder.layers.encoder_layer_#';
const TORCHVISION: Modules = {
  cls_token: ['class_token'],
  pos_embed: ['encoder.pos_embedding'],
  'patch_embed.proj': ['conv_proj'],
  'blocks.#.norm1': [`${TORCHVISION_LAYER}.ln_1`],
  // Not a module there but two parameters: in_proj_weight and in_proj_bias.
  'blocks.#.attn.qkv': [`${TORCHVISION_LAYER}.self_attention.in_proj_`],
  'blocks.#.attn.proj': [`${TORCHVISION_LAYER}.self_attention.out_proj`],
  'blocks.#.norm2': [`${TORCHVISION_LAYER}.ln_2`],
  'blocks.#.mlp.fc1': [`${TORCHVISION_LAYER}.mlp.0`, `${TORCHVISION_LAYER}.mlp.linear_1`],
  'blocks.#.mlp.fc2': [`${TORCHVISION_LAYER}.mlp.3`, `${TORCHVISION_LAYER}.mlp.linear_2`],
  norm: ['encoder.ln'],
  head: ['heads.head'],
};

const HUGGINGFACE: Modules = {
  cls_token: ['embeddings.cls_token'],
  pos_embed: ['embeddings.position_embeddings'],
  'patch_embed.proj': ['embeddings.patch_embeddings.projection'],
  'blocks.#.norm1': ['encoder.layer.#.layernorm_before', 'layers.#.layernorm_before'],
  'blocks.#.attn.qkv': [
    [
      'encoder.layer.#.attention.attention.query',
      'encoder.layer.#.attention.attention.key',
      'encoder.layer.#.attention.attention.value',
    ],
    ['layers.#.attention.q_proj', 'layers.#.attention.k_proj', 'layers.#.attention.v_proj'],
    'encoder.layer.#.attention.attention.qkv',
    'layers.#.attention.qkv_proj',
  ],
  'blocks.#.attn.proj': ['encoder.layer.#.attention.output.dense', 'layers.#.attention.o_proj'],
  'blocks.#.norm2': ['encoder.layer.#.layernorm_after', 'layers.#.layernorm_after'],
  'blocks.#.mlp.fc1': ['encoder.layer.#.intermediate.dense', 'layers.#.mlp.fc1'],
  'blocks.#.mlp.fc2': ['encoder.layer.#.output.dense', 'layers.#.mlp.fc2'],
  norm: ['layernorm'],
  head: ['classifier'],
};

const TIMM: Modules = Object.fromEntries(
  Object.keys(TORCHVISION).map((module) => [module, [module]] as const),
);

const MODULES: Readonly<Record<Naming, Modules>> = {
  timm: TIMM,
  torchvision: TORCHVISION,
  huggingface: HUGGINGFACE,
};

/** The namings, in the order in which a tie is decided. */
export const NAMINGS = Object.keys(MODULES) as readonly Naming[];

/** How the names of a block begin, in any library; its number stands where `#` does in the tables. */
const BLOCK = /^(blocks|encoder\.layer|layers|encoder\.layers)\.(encoder_layer_)?(\d{1,6})\./;

/** The block that a name is of. */
export function blockOf(name: string): number | undefined {
  const block = BLOCK.exec(name)?.[3];
  return block === undefined ? undefined : Number(block);
}

/** A name with `#` for the number of its block. */
export function withoutBlock(name: string): string {
  return name.replace(BLOCK, '$1.$2#.');
}

/** A library's spellings with `#` for the number of a block: their name -> ours. */
export function patterns(naming: Naming): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(MODULES[naming]).flatMap(([module, modules]) =>
      modules
        .flatMap((spelling) => spell(module, [spelling].flat(), '#'))
        .flatMap(({ ours, theirs }) => theirs.map((name) => [name, ours] as const)),
    ),
  );
}

/** Every way in which a library may name the parameters of a ViT with `depth` blocks, ours in table order. */
export function spellings(naming: Naming, depth: number): Spelling[] {
  return Object.entries(MODULES[naming]).flatMap(([module, modules]) => {
    const blocks = module.includes('#') ? Array.from({ length: depth }, (_, block) => block) : [0];
    return blocks.flatMap((block) =>
      modules.flatMap((spelling) => spell(module, [spelling].flat(), String(block))),
    );
  });
}

/** How we write the parameters for a library. */
export function canonicalSpelling(naming: Naming, depth: number): ReadonlyMap<string, Spelling> {
  const first = new Map<string, Spelling>();
  for (const spelling of spellings(naming, depth)) {
    if (!first.has(spelling.ours)) first.set(spelling.ours, spelling);
  }
  return first;
}

function spell(module: string, modules: readonly string[], block: string): Spelling[] {
  const numbered = (name: string) => name.replace('#', block);
  if (/^(?:cls_token|pos_embed)$/.test(module)) {
    return [{ ours: module, theirs: modules.map(numbered) }];
  }
  return ['weight', 'bias'].map((leaf) => ({
    ours: `${numbered(module)}.${leaf}`,
    theirs: modules.map((name) => numbered(name.endsWith('_') ? name + leaf : `${name}.${leaf}`)),
  }));
}
