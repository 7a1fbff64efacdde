/** @file Parses the text of a config file into a tree of values with their lines. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { isRecord } from '../core/text.ts';
import type { ConfigProblem } from './problems.ts';
import { configError } from './problems.ts';

/** More aliases than any config has; an "alias bomb" has thousands. */
const ALIASES_MAX = 32;
/** Deeper than any config, two for each collection: the composer is recursive; 2 KB of brackets would end the process. */
const DEPTH_MAX = 100;
/** More than any config has: the composer compares each key with every other. */
const TOKENS_MAX = 10_000;

const BEGINNING =
  'start with name, data, model and training; configs/quickstart.yaml is an example';

/** A parsed config file. */
export interface ConfigDocument {
  readonly tree: Readonly<Record<string, unknown>>;
  /** `file.yaml:12:3`: where the value of a path is written, or else the section it is missing from. */
  placeOf(path: ConfigProblem['path']): string;
}

/**
 * Reads YAML.
 *
 * Throws  CONFIG_INVALID with the lines of duplicate keys and of the first syntax error; when the text is not a mapping.
 */
export function parseConfigDocument(text: string, label: string): ConfigDocument {
  const excess = excessOf(text);
  if (excess !== undefined) {
    throw configError([{ place: `${label}:1:1`, path: [], sentence: excess, hint: BEGINNING }]);
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const placeAt = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${label}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    // Messages after the first syntax error are misleading.
    const firstLost = document.errors.find(({ code }) => code !== 'DUPLICATE_KEY');
    const errors = document.errors.filter(
      (error) => error.code === 'DUPLICATE_KEY' || error === firstLost,
    );
    throw configError(
      errors.map((error) => ({
        place: placeAt(error.pos[0]),
        path: [],
        ...syntaxProblem(error, text),
      })),
    );
  }
  return {
    tree: treeOf(document, `${label}:1:1`),
    placeOf: (path) => placeAt(offsetOf(document, path)),
  };
}

/** A value parsed as YAML, for `--set`. Throws  Error when it is invalid. */
export function parseValue(text: string): unknown {
  // A colour such as #ffffff: YAML would read it as a comment.
  if (text.startsWith('#')) return text;
  const excess = excessOf(text);
  if (excess !== undefined) throw new Error(excess);
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(error.message);
  return plainValue(document);
}

/** What a text has too much of, counted in its tokens: before recursive parsing and pairwise comparisons. */
function excessOf(text: string): string | undefined {
  let level: readonly object[] = [...new Parser().parse(text)].filter(
    ({ type }) => type === 'document',
  );
  let numTokens = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    numTokens += level.length;
    if (depth > DEPTH_MAX) return 'lists or mappings are nested too deep';
    if (numTokens > TOKENS_MAX) return `it has more than ${TOKENS_MAX} keys and values`;
    level = level.flatMap(membersOf);
  }
  return undefined;
}

/** The parts of a parser's token, or of an item of a collection. */
function membersOf(token: { key?: unknown; value?: unknown; items?: unknown[] }): object[] {
  const { key, value, items = [] } = token;
  return [key, value, ...items].filter((it) => typeof it === 'object' && it !== null);
}

function syntaxProblem(
  error: YAMLError,
  text: string,
): { readonly sentence: string; readonly hint: string } {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^:\n]*/.exec(text.slice(error.pos[0]))?.[0]?.trim() ?? '';
      return { sentence: `the key ${key} occurs twice`, hint: 'remove one of the two' };
    }
    case 'MULTIPLE_DOCS':
      return { sentence: 'a second document starts here', hint: 'a config file is one document' };
    case 'TAB_AS_INDENT':
      return { sentence: 'a tab indents this line', hint: 'indent with spaces' };
    default:
      return { sentence: `not YAML: ${error.message}`, hint: 'check indentation and quotes' };
  }
}

function treeOf(document: Document, place: string): Record<string, unknown> {
  let tree: unknown;
  try {
    tree = plainValue(document);
  } catch (error) {
    // JSON.stringify, which detects cycles, throws a TypeError of several lines.
    const reason =
      error instanceof TypeError ? 'an alias refers to itself' : (error as Error).message;
    const hint = 'write the values out instead of using anchors (&) and aliases (*)';
    throw configError([{ place, path: [], sentence: reason, hint }], error);
  }
  if (isRecord(tree)) return tree;
  throw configError([
    {
      place,
      path: [],
      sentence: `expected a mapping of options, got ${tree === null ? 'an empty file' : JSON.stringify(tree).slice(0, 60)}`,
      hint: BEGINNING,
    },
  ]);
}

/** Throws  Error when aliases expand too much or refer to themselves. */
function plainValue(document: Document): unknown {
  const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
  JSON.stringify(value);
  return value;
}

/** The position of the deepest existing part of `path`: its key, or the list item. */
function offsetOf(document: Document, path: ConfigProblem['path']): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    const step = memberOf(isAlias(node) ? node.resolve(document) : node, key);
    if (step === undefined) break;
    offset = startOf(step.at) ?? offset;
    node = step.value;
  }
  return offset;
}

function memberOf(
  node: unknown,
  key: string | number,
): { readonly at: unknown; readonly value: unknown } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return item === undefined ? undefined : { at: item, value: item };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === `${key}`);
  return pair === undefined ? undefined : { at: pair.key, value: pair.value };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
