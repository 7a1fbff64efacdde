/** @file The options of a config for help and messages: path, type, default and meaning, from the schema. */
import { z } from 'zod';
import { plannedSchema } from './schema.ts';

/** One option of a config file. */
export interface OptionDoc {
  /** Dotted path, such as `training.optimizer.learningRate`. */
  readonly path: string;
  /** Its type as text, such as `whole number >= 1`. */
  readonly type: string;
  /** The default; undefined for an option that is required, or off by default. */
  readonly default: unknown;
  readonly description: string;
}

/** The part of JSON Schema that our schema uses. */
export interface OptionSchema {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly OptionSchema[];
  readonly properties?: Readonly<Record<string, OptionSchema>>;
  readonly items?: OptionSchema | boolean;
  readonly prefixItems?: readonly OptionSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
}

/** The schema of a config file as JSON Schema, as editors read it. */
export const configJsonSchema = z.toJSONSchema(plannedSchema, { io: 'input' }) as OptionSchema;

/** Every option, in the order of the schema. */
export function explainConfig(): readonly OptionDoc[] {
  return optionsUnder(configJsonSchema, '');
}

/** The schema of the value at a path; undefined where there is no such option. */
export function optionAt(path: readonly (string | number)[]): OptionSchema | undefined {
  return path.reduce<OptionSchema | undefined>(memberOf, configJsonSchema);
}

/** Dotted paths of the options and sections under one. */
export function pathsUnder(option: OptionSchema, prefix = ''): readonly string[] {
  return Object.entries(option.properties ?? {}).flatMap(([key, member]) => {
    const path = `${prefix}${key}`;
    return [path, ...pathsUnder(member, `${path}.`)];
  });
}

/** A type as text, for use after "expected". */
export function typeInWords(option: OptionSchema): string {
  if (option.title !== undefined) return option.title;
  if (option.enum !== undefined) return option.enum.join(' | ');
  if (option.const !== undefined) return String(option.const);
  if (option.anyOf !== undefined) return option.anyOf.map(typeInWords).join(' | ');
  switch (option.type) {
    case 'integer':
      return `whole number${boundsInWords(option)}`;
    case 'number':
      return `number${boundsInWords(option)}`;
    case 'boolean':
      return 'true | false';
    case 'array':
      return listInWords(option);
    case 'object':
      return `section with ${Object.keys(option.properties ?? {}).join(', ')}`;
    default:
      return 'text';
  }
}

function optionsUnder(section: OptionSchema, prefix: string): readonly OptionDoc[] {
  return Object.entries(section.properties ?? {}).flatMap(([key, option]) => {
    const path = `${prefix}${key}`;
    if (option.properties !== undefined) return optionsUnder(option, `${path}.`);
    const { default: fallback, description = '' } = option;
    return [{ path, type: typeInWords(option), default: fallback, description }];
  });
}

function memberOf(option: OptionSchema | undefined, key: string | number) {
  if (typeof key === 'number') {
    const { prefixItems, items } = option ?? {};
    return prefixItems?.[key] ?? (typeof items === 'object' ? items : undefined);
  }
  const members = option?.properties ?? {};
  return Object.hasOwn(members, key) ? members[key] : undefined;
}

function boundsInWords(option: OptionSchema): string {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = option;
  const bounds: string[] = [];
  if (minimum !== undefined) bounds.push(`>= ${minimum}`);
  if (exclusiveMinimum !== undefined) bounds.push(`> ${exclusiveMinimum}`);
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) bounds.push(`<= ${maximum}`);
  if (exclusiveMaximum !== undefined) bounds.push(`< ${exclusiveMaximum}`);
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

function listInWords({ minItems, maxItems, items, prefixItems }: OptionSchema): string {
  const count = minItems === maxItems ? `${minItems}` : `${minItems} to ${maxItems}`;
  const item = prefixItems?.[0] ?? (typeof items === 'object' ? items : {});
  return `list of ${count}, each a ${typeInWords(item)}`;
}
