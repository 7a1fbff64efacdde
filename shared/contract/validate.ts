/** @file Checks of values that came over the wire: nothing is used before it went through here. */
import { TesseraError } from '../core/errors.ts';

function invalid(where: string, expected: string, got: unknown): TesseraError {
  const shown = typeof got === 'string' ? JSON.stringify(got.slice(0, 40)) : String(got);
  return new TesseraError('MESSAGE_INVALID', `${where}: expected ${expected}, got ${shown}`);
}

/**
 * A whole number in [min, max].
 *
 * Throws  MESSAGE_INVALID, naming `where`; also for integers beyond 2^53, which the loader rounds.
 */
export function wireInteger(
  value: number,
  where: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(where, `a whole number in ${min}..${max}`, value);
}

/**
 * A finite number that is not negative.
 *
 * Throws  MESSAGE_INVALID, naming `where`.
 */
export function wireAmount(value: number, where: string): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalid(where, 'a finite number >= 0', value);
}

/**
 * One line of text: logs and terminals show it as it is, so control characters are refused.
 *
 * Throws  MESSAGE_INVALID, naming `where`.
 */
export function wireText(value: string, where: string, lengthMax: number): string {
  if (value.length > lengthMax) {
    throw invalid(where, `at most ${lengthMax} characters`, `${value.length} characters`);
  }
  if (/\p{Cc}/u.test(value)) throw invalid(where, 'text without control characters', value);
  return value;
}

/**
 * A SHA-256 in hex. It becomes the name of a file, so nothing else passes.
 *
 * Throws  MESSAGE_INVALID, naming `where`.
 */
export function wireDigest(value: string, where: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  throw invalid(where, '64 hexadecimal digits', value);
}

/** Makes `text` pass `wireText`: control characters become spaces, the rest beyond the limit is cut. */
export function toWireText(text: string, lengthMax: number): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, lengthMax);
}

/** The keys of a table by its values. */
export function inverse<Key extends string>(
  table: Readonly<Record<Key, string>>,
): Readonly<Record<string, Key>> {
  return Object.fromEntries(
    Object.entries<string>(table).map(([ours, wire]) => [wire, ours as Key]),
  );
}

/**
 * Our name of an enum value of proto/.
 *
 * Throws  MESSAGE_INVALID, naming `where`, when the table has none: unspecified, or of a newer version.
 */
export function wireChoice<T>(
  value: string | number,
  where: string,
  table: Readonly<Record<string, T>>,
): T {
  const choice = Object.hasOwn(table, value) ? table[value] : undefined;
  if (choice !== undefined) return choice;
  throw invalid(where, `one of ${Object.keys(table).join(', ')}`, value);
}

/**
 * A message that must be there.
 *
 * Throws  MESSAGE_INVALID, naming `where`.
 */
export function wirePresent<T>(value: T | null | undefined, where: string): T {
  if (value !== null && value !== undefined) return value;
  throw invalid(where, 'a message', 'none');
}
