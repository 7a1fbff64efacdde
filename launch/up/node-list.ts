/** @file Lists of nodes as Slurm writes them: `n[01-03,7],gpu1`. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';

/** More nodes than any cluster has: a list is not expanded further. */
const NODES_MAX = 65_536;

/**
 * The names of a list, in its order: `n[583,752]` is n583 and n752, `n[08-10]` keeps its zeros, `r[1-2]n[1-2]` counts the
 * last brackets first. An IPv6 address may stand in brackets of its own.
 *
 * Throws  USAGE for a list that cannot be read, or of too many names.
 */
export function expandNodeList(text: string): readonly string[] {
  const names: string[] = [];
  for (const part of partsOf(text)) {
    names.push(...namesOf(part, text));
    if (names.length > NODES_MAX) throw unreadable(text, `it has more than ${NODES_MAX} nodes`);
  }
  return names;
}

/** Splits at the commas outside of brackets. */
function partsOf(text: string): string[] {
  const parts = text.trim().match(/(?:[^,[\]]|\[[^\]]*\])+/g) ?? [];
  // All but the commas between the parts must match: no half of a bracket, no empty name.
  if (parts.length === 0 || parts.join(',') !== text.trim())
    throw unreadable(text, 'a name or a bracket is missing');
  return parts.map((part) => part.trim());
}

function namesOf(part: string, text: string): string[] {
  const literal = /^\[([\da-f:.]*:[\da-f:.]*)\]$/i.exec(part)?.[1];
  if (literal !== undefined) return [literal];
  const [, before = '', ranges, after = ''] = /^([^[\]]*)\[([^\]]*)\](.*)$/.exec(part) ?? [];
  if (ranges === undefined) return [part];
  const rest = after === '' ? [''] : namesOf(after, text);
  const numbers = ranges.split(',').flatMap((one) => numbersOf(one, text));
  if (numbers.length * rest.length > NODES_MAX) {
    throw unreadable(text, `it has more than ${NODES_MAX} nodes`);
  }
  return numbers.flatMap((number) => rest.map((end) => `${before}${number}${end}`));
}

/** `7` or `08-10`, with as many digits as the first has. */
function numbersOf(range: string, text: string): string[] {
  const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
  if (first === undefined || last === undefined) {
    throw unreadable(text, `${JSON.stringify(range)} is not a number or a range`);
  }
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw unreadable(text, `the range ${range} is empty`);
  if (count > NODES_MAX) throw unreadable(text, `it has more than ${NODES_MAX} nodes`);
  return Array.from({ length: count }, (_, at) =>
    String(Number(first) + at).padStart(first.length, '0'),
  );
}

function unreadable(text: string, why: string): TesseraError {
  return new TesseraError(
    'USAGE',
    `the list of nodes ${JSON.stringify(text)} cannot be read: ${why}`,
    {
      hint: 'such as n1,n2 or n[1-4,7]',
    },
  );
}
