/** @file Configs and their options as tables. Pure. */
import { isRecord } from '../../shared/core/text.ts';
import { formatTable } from '../terminal/table.ts';

/** A table of every option that a config may have. */
export function optionLines(
  options: readonly {
    readonly path: string;
    readonly type: string;
    readonly default?: unknown;
    readonly description: string;
  }[],
): readonly string[] {
  const rows = options.map((option) => [
    option.path,
    option.type,
    shown(option.default),
    option.description,
  ]);
  return formatTable(columns('OPTION', 'TYPE', 'DEFAULT', 'MEANING'), rows);
}

/** A table of every value of a config, with `origins` also where it comes from. */
export function valueLines(
  config: object,
  origins: ReadonlyMap<string, string> | undefined,
): readonly string[] {
  const rows = leavesOf(config).map(([path, value]) => [
    path,
    shown(value),
    origins?.get(path) ?? 'default',
  ]);
  const titles = ['OPTION', 'VALUE', ...(origins === undefined ? [] : ['ORIGIN'])];
  return formatTable(columns(...titles), rows);
}

/** Dotted paths of everything in a config that is not a section, in its order. */
export function leavesOf(section: object, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return isRecord(value) ? leavesOf(value, path) : [[path, value] as const];
  });
}

function columns(...titles: readonly string[]) {
  return titles.map((title) => ({ title }));
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
