/** @file Whether a command has printed what a page says: times and paths aside, numbers to a tolerance. Pure. */

const NUMBER = /-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?/g;
/** Times, and what a clock decides. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d+(?:\.\d+)? ?(?:ms|s|min|h)\b/g, 'TIME'],
  [/-\d{8}-\d{6}(?:-\d+)?/g, '-WHEN'],
  [/\d+(?:\.\d+)? images\/s/g, 'SPEED'],
];

/**
 * The first line of a page that was not printed, in words; undefined where all were.
 *
 * A line `...` stands for any lines, `…` in a line for any text. Blank lines and the number of blanks do not count. A
 * number with a decimal point may be off by the tolerance, or by one in its last digit; others may not.
 */
export function outputFault(
  expected: readonly string[],
  printed: string,
  tolerance: number,
): string | undefined {
  const lines = printed.split('\n').map(plain).filter(isSomething);
  let at = 0;
  let mayPass = false;
  for (const line of expected.map(plain).filter(isSomething)) {
    if (line === '...') {
      mayPass = true;
      continue;
    }
    const found = lines.findIndex((other, place) => place >= at && isAs(line, other, tolerance));
    if (found < 0 || (!mayPass && found > at)) {
      return `expected "${line}", printed "${lines[at] ?? 'nothing more'}"`;
    }
    [at, mayPass] = [found + 1, false];
  }
  return mayPass || at === lines.length ? undefined : `printed more: "${lines[at]}"`;
}

function plain(line: string): string {
  const masked = MASKS.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), line);
  return masked.replaceAll(/\s+/g, ' ').trim();
}

function isSomething(line: string): boolean {
  return line !== '';
}

/** Whether a printed line is that of a page. */
function isAs(expected: string, printed: string, tolerance: number): boolean {
  const parts = expected.split('…').map((part) => part.split(NUMBER).map(escaped));
  const pattern = parts.map((part) => part.join(`(${NUMBER.source})`)).join('.*');
  const match = new RegExp(`^${pattern}$`).exec(printed);
  const numbers = expected.split('…').flatMap((part) => part.match(NUMBER) ?? []);
  return match !== null && numbers.every((one, i) => isNear(one, match[i + 1] ?? '', tolerance));
}

function isNear(expected: string, printed: string, tolerance: number): boolean {
  if (expected === printed) return true;
  if (!expected.includes('.')) return false;
  const [one, other] = [Number(expected.replaceAll(',', '')), Number(printed.replaceAll(',', ''))];
  const [mantissa = '', exponent = '0'] = expected.split('e');
  const digit = 10 ** (Number(exponent) - (mantissa.split('.')[1] ?? '').length);
  return Math.abs(one - other) <= Math.max(Math.abs(one) * tolerance, 1.01 * digit);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
