/** @file Matches the classes of a model's head with those of a data set, by name. Pure. */
import { TesseraError } from '../../core/errors.ts';
import type { Weights, WeightTensor } from '../names/rename.ts';

/** A head and a data set. */
export interface ClassSides {
  /** Names of the head's classes, in the order of its rows; undefined if unknown. */
  readonly head: readonly string[] | undefined;
  /** Rows of the head. */
  readonly rows: number;
  /** Classes of the data set, in the order of its labels. */
  readonly data: readonly string[];
  /** The source of the head, for messages. */
  readonly path: string;
  /** The hint if they do not match. */
  readonly hint: string;
}

/** The rows of a head for the classes of a data set. */
export interface ClassMatch {
  /** The row of the head that is of each class of the data. */
  readonly rowOf: readonly number[];
  /** Notes about it. */
  readonly note: string | undefined;
}

/** Names of one kind in a message. */
const NAMES_MAX = 10;

/**
 * Finds the row of the head for each class of the data set, by name. A head or data set without names is used in
 * its own order, with a note.
 *
 * Throws  CHECKPOINT_MISMATCH, listing what only one side has.
 */
export function matchClasses(sides: ClassSides): ClassMatch {
  const { head, rows, data, path, hint } = sides;
  const inOrder = Array.from(data, (_, at) => at);
  const count = (side: number) => `${side} ${side === 1 ? 'class' : 'classes'}`;
  if (head !== undefined && head.length !== rows) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `${path} names ${count(head.length)} and has a head of ${rows}`,
      { hint },
    );
  }
  const isNamed = head !== undefined && !(isNumbered(data) && !head.every(isNumber));
  if (!isNamed) {
    if (rows !== data.length) {
      throw new TesseraError(
        'CHECKPOINT_MISMATCH',
        `the head of ${path} is of ${count(rows)}, the data set has ${data.length}`,
        { hint },
      );
    }
    const note =
      head === undefined
        ? 'the weights have no class names: their order is used as that of the data set'
        : `the data set has numbers as class names, the weights have names (0 is ${head[0]}): their order is used as that of the data set`;
    return { rowOf: inOrder, note };
  }
  const places = new Map(head.map((name, row) => [plain(name), row]));
  const rowOf = data.map((name) => places.get(plain(name)));
  if (places.size !== rows || rows !== data.length || !rowOf.every((row) => row !== undefined)) {
    throw new TesseraError(
      'CHECKPOINT_MISMATCH',
      `the head of ${path} has other classes than the data set:`,
      { lines: differences(head, data), hint },
    );
  }
  if (rowOf.every((row, at) => row === at)) return { rowOf, note: undefined };
  const order = data.length <= NAMES_MAX ? `: ${data.join(', ')}` : '';
  const note = `the ${data.length} classes of the head are put in the order of the data set${order}`;
  return { rowOf, note };
}

/** Weights with the rows of the head reordered: row `at` is the former row `rowOf[at]`. */
export function withHeadRows(weights: Weights, rowOf: readonly number[]): Weights {
  if (rowOf.every((row, at) => row === at)) return weights;
  const tensors = new Map(weights.tensors);
  for (const name of ['head.weight', 'head.bias']) {
    const tensor = weights.tensors.get(name);
    if (tensor !== undefined) tensors.set(name, withRows(tensor, rowOf));
  }
  return { ...weights, tensors };
}

function withRows(tensor: WeightTensor, rowOf: readonly number[]): WeightTensor {
  const size = tensor.values.length / rowOf.length;
  const values = new Float32Array(tensor.values.length);
  for (const [at, row] of rowOf.entries()) {
    values.set(tensor.values.subarray(row * size, (row + 1) * size), at * size);
  }
  return { ...tensor, values };
}

/** The names that only one side has, with those that differ in spelling only. */
function differences(head: readonly string[], data: readonly string[]): string[] {
  const [inHead, inData] = [new Set(head.map(plain)), new Set(data.map(plain))];
  const onlyHead = head.filter((name) => !inData.has(plain(name)));
  const onlyData = data.filter((name) => !inHead.has(plain(name)));
  const twice = head.filter((name, at) => head.indexOf(name) < at);
  const bySpelling = new Map(onlyHead.map((name) => [spelling(name), name]));
  const pairs = onlyData.flatMap((name) => {
    const near = bySpelling.get(spelling(name));
    return near === undefined ? [] : `${quoted(name)} is probably ${quoted(near)} of the head`;
  });
  return [
    ...listed('only the head has', onlyHead.map(quoted)),
    ...listed('only the data set has', onlyData.map(quoted)),
    ...listed('the head has more than once', twice.map(quoted)),
    ...listed('written otherwise', pairs),
  ];
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  return [`  ${what}: ${names.slice(0, NAMES_MAX).join(', ')}${more}`];
}

/** Some systems store `é` as one code point, some as two: the name is the same. */
const plain = (name: string) => name.normalize('NFC');
/** A name without variations in spelling. */
const spelling = (name: string) =>
  plain(name)
    .toLowerCase()
    .replace(/[\s_-]+/g, '');
const quoted = (name: string) => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));
const isNumber = (name: string) => /^\d+$/.test(name);

/** Whether classes are called 0, 1, 2 and so on: they have numbers, not names. */
function isNumbered(classes: readonly string[]): boolean {
  return classes.every((name, at) => name === String(at));
}
