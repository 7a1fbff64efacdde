/** @file The facts in the config.json of a transformers folder. Pure. Source  transformers 4 and 5. */
import { z } from 'zod';
import { type Facts, type FactValues, factsFrom, firstOf, refuseFact, shown } from '../facts.ts';

const count = z.int().min(1);
const side = z.union([count, z.array(count).length(2)]);

const configSchema = z.looseObject({
  model_type: z.string().optional(),
  hidden_size: count.optional(),
  num_hidden_layers: count.optional(),
  num_attention_heads: count.optional(),
  intermediate_size: count.optional(),
  image_size: side.optional(),
  patch_size: side.optional(),
  num_channels: count.optional(),
  layer_norm_eps: z.number().positive().optional(),
  hidden_act: z.string().optional(),
  qkv_bias: z.boolean().optional(),
  problem_type: z.string().nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
});

/** transformers' defaults for missing values. */
const DEFAULTS: { readonly [Name in keyof FactValues]?: FactValues[Name] } = {
  ...{ imageSize: 224, patchSize: 16, channels: 3, width: 768, depth: 12, heads: 12 },
  ...{ mlpWidth: 3072, normEpsilon: 1e-12, activation: 'gelu', qkvBias: true },
};

/** transformers' epsilon of layer norms. */
export const TRANSFORMERS_EPSILON = 1e-12;

/** Both are x * Phi(x). */
const EXACT_GELU: readonly string[] = ['gelu', 'gelu_python'];

/** transformers' name for a class without a name. */
const nameless = (id: number) => `LABEL_${id}`;

/**
 * The facts of a transformers config.json.
 *
 * Throws  CHECKPOINT_MISMATCH for a fact that this version does not support; what zod throws for another form.
 */
export function transformersFacts(document: unknown, where: string): Facts {
  const config = configSchema.parse(document);
  check(config, where);
  const stated = factsFrom('file', where, {
    imageSize: squareSide(config.image_size, where, 'image_size'),
    patchSize: squareSide(config.patch_size, where, 'patch_size'),
    channels: config.num_channels,
    ...{ width: config.hidden_size, depth: config.num_hidden_layers },
    ...{ heads: config.num_attention_heads, mlpWidth: config.intermediate_size },
    numClasses: config.id2label ? Object.keys(config.id2label).length : undefined,
    normEpsilon: config.layer_norm_eps,
    activation: config.hidden_act === undefined ? undefined : 'gelu',
    ...{ qkvBias: config.qkv_bias ? true : undefined, pooling: 'class token' },
    classes: config.id2label ? classesOf(config.id2label, where) : undefined,
  });
  return firstOf(stated, factsFrom('naming', "transformers' default", DEFAULTS));
}

const HINT = 'only ViTForImageClassification and ViTModel with exact GELU and biases can be loaded';

function check(config: z.infer<typeof configSchema>, where: string): void {
  const { model_type: type, hidden_act: activation, qkv_bias: hasBias } = config;
  const isAny = type !== undefined || config.num_attention_heads !== undefined;
  if (!isAny) refuseFact(where, 'neither a model_type nor an architecture', HINT);
  if (type !== undefined && type !== 'vit')
    refuseFact(where, `a model of type ${shown(type)}`, HINT);
  if (activation !== undefined && !EXACT_GELU.includes(activation)) {
    refuseFact(where, `the activation ${shown(activation)}`, HINT);
  }
  if (hasBias === false) refuseFact(where, 'no bias in q, k and v', HINT);
  const problem = config.problem_type ?? 'single_label_classification';
  if (problem !== 'single_label_classification') {
    refuseFact(where, `the problem_type ${shown(problem)}`, 'only classifiers of one label each');
  }
}

/** A square's side, also where height and width are given. */
function squareSide(
  value: number | readonly number[] | undefined,
  where: string,
  name: string,
): number | undefined {
  if (typeof value !== 'object') return value;
  const [height, width] = value;
  if (height === width) return height;
  return refuseFact(where, `${name}: ${shown(value)}`, 'only square images can be loaded');
}

/** `{"0": "pizza", "1": "steak"}` -> the names in the order of their numbers; undefined where none has one. */
function classesOf(
  id2label: Readonly<Record<string, string>>,
  where: string,
): readonly string[] | undefined {
  // As int() reads them there: "01" is 1.
  const names = new Map(Object.entries(id2label).map(([id, name]) => [Number(id), name]));
  const size = Object.keys(id2label).length;
  const all = Array.from({ length: size }, (_, id) => names.get(id));
  if (!all.every((name) => name !== undefined)) {
    const beyond = Object.keys(id2label).find((id) => !(Number(id) >= 0 && Number(id) < size));
    const what = beyond === undefined ? 'two names for a class' : `a name for class ${beyond}`;
    const fact = `${what} of ${size} classes (id2label)`;
    return refuseFact(where, fact, `number the names from 0 to ${size - 1}`);
  }
  return all.every((name, id) => name === nameless(id)) ? undefined : all;
}
