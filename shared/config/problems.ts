/** @file Error messages about a config: where, what, and what was probably meant. */
import type { z } from 'zod';
import { TesseraError } from '../core/errors.ts';
import { nearest, plainWord } from '../core/nearest.ts';
import {
  configJsonSchema,
  type OptionSchema,
  optionAt,
  pathsUnder,
  typeInWords,
} from './explain.ts';

/** One thing that is wrong with a config. */
export interface ConfigProblem {
  /** Keys and list positions from the root to the value. */
  readonly path: readonly (string | number)[];
  /** What is wrong; follows `path:` in the message. */
  readonly sentence: string;
  /** What to type or change. */
  readonly hint?: string;
}

/** A problem and the source of its value: `path/to/file.yaml:12:3`, or `--set training.epochs`. */
export interface PlacedProblem extends ConfigProblem {
  readonly place: string;
}

type Path = ConfigProblem['path'];

const VALUE_CHARS_MAX = 60;
const SHOW_OPTIONS = 'tessera config show lists every option with its type, default and meaning';

/** One CONFIG_INVALID for all problems: one block each, with its hint. */
export function configError(problems: readonly PlacedProblem[], cause?: unknown): TesseraError {
  const [first, ...others] = problems;
  const details = { problems };
  if (first !== undefined && others.length === 0) {
    const hint = first.hint === undefined ? {} : { hint: first.hint };
    return new TesseraError('CONFIG_INVALID', headline(first), { ...hint, details, cause });
  }
  const [sentence = '', ...lines] = problems.flatMap((problem) =>
    problem.hint === undefined ? [headline(problem)] : [headline(problem), `  ${problem.hint}`],
  );
  return new TesseraError('CONFIG_INVALID', sentence, {
    lines,
    hint: SHOW_OPTIONS,
    details,
    cause,
  });
}

/** The schema's issues with `input`, one problem a path. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
): readonly ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  const misspelt = new Set<string>();
  for (const issue of issues) {
    const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
    const found =
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey([...path, key]))
        : [wrongValue(path, valueAt(input, path))];
    for (const problem of found) {
      const name = pathInWords(problem.path);
      if (!problems.has(name)) problems.set(name, problem);
      if (issue.code === 'unrecognized_keys')
        misspelt.add(pathInWords(meantBy(problem.path) ?? []));
    }
  }
  // A key with a misspelled name is not reported as missing as well.
  const isNews = (name: string, { path }: ConfigProblem) =>
    !misspelt.has(name) || valueAt(input, path) !== undefined;
  return [...problems].flatMap(([name, problem]) => (isNews(name, problem) ? [problem] : []));
}

/** The problem of a path without an option. */
export function unknownKey(path: Path): ConfigProblem {
  const section = path.slice(0, -1);
  const meant = meantBy(path);
  if (meant !== undefined) {
    const isSibling = pathInWords(meant.slice(0, -1)) === pathInWords(section);
    const name = isSibling ? meant.at(-1) : pathInWords(meant);
    return { path, sentence: `unknown key, did you mean "${name}"?`, hint: aboutOption(meant) };
  }
  const owner = section.length === 0 ? 'a config' : pathInWords(section);
  const keys = Object.keys(optionAt(section)?.properties ?? {});
  return {
    path,
    sentence: 'unknown key',
    hint:
      keys.length === 0
        ? `${owner} has no keys of its own`
        : `the keys of ${owner} are ${keys.join(', ')}`,
  };
}

/** `data.augment.cropScale[0]`. */
function pathInWords(path: Path): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${key}`))
    .join('');
}

function headline({ place, path, sentence }: PlacedProblem): string {
  const name = pathInWords(path);
  const where = name === '' || place.endsWith(` ${name}`) ? place : `${place} ${name}`;
  return `${where}: ${sentence}`;
}

function wrongValue(path: Path, value: unknown): ConfigProblem {
  const option = optionAt(path) ?? {};
  const expected = `expected ${typeInWords(option)}`;
  if (value === undefined) {
    return { path, sentence: `missing, ${expected}`, hint: aboutOption(path) };
  }
  if (value === null) {
    const hint = 'give it a value, or remove the line';
    return { path, sentence: `${expected}, got nothing`, hint };
  }
  const near = typeof value === 'string' ? nearest(value, choicesOf(option)) : undefined;
  const hint = near === undefined ? aboutOption(path) : `did you mean ${near}?`;
  return { path, sentence: `${expected}, got ${valueInWords(value)}`, hint };
}

/** The meaning of an option, or of its section. */
function aboutOption(path: Path): string {
  const { description } = optionAt(path) ?? {};
  if (description !== undefined) return description;
  return path.length === 0 ? SHOW_OPTIONS : aboutOption(path.slice(0, -1));
}

/** The option that an unknown key probably means: a sibling, or an option of that name elsewhere. */
function meantBy(path: Path): Path | undefined {
  const section = path.slice(0, -1);
  const key = String(path.at(-1));
  const sibling = nearest(key, Object.keys(optionAt(section)?.properties ?? {}));
  if (sibling !== undefined) return [...section, sibling];
  const paths = pathsUnder(configJsonSchema).map((name) => name.split('.'));
  const named = paths.filter((names) => plainWord(names.at(-1) ?? '') === plainWord(key));
  return named.length === 1 ? named[0] : undefined;
}

function choicesOf(option: OptionSchema): readonly string[] {
  const choices = [...(option.enum ?? []), ...(option.anyOf ?? []).map((branch) => branch.const)];
  return choices.filter((choice) => typeof choice === 'string');
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Readonly<Record<string | number, unknown>>)[key];
  }, input);
}

function valueInWords(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}...` : text;
}
