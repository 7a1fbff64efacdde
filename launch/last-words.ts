/** @file What a dying process said of its end: the first line of its log that names an error. Pure. */

import { jsonRecord, oneLine } from '../shared/core/text.ts';

const WORDS_CHARS_MAX = 300;
/** pino's levels of error records. */
const ERROR_LEVEL = 50;
const ERROR_LEVELS: ReadonlySet<unknown> = new Set(['error', 'fatal']);

/** How runtimes and libraries begin the line that says why they end the process. */
const CRASHES: readonly RegExp[] = [
  /^(# )?FATAL (ERROR|JavaScript|process)\b/i,
  // Libraries of Google: `F1129 10:00:00.000000 7 buffer.cc:12] Check failed: ...`.
  /^F\d{4} \d\d:\d\d:\d\d\.\d+ /,
  /^terminate called (after throwing|without)/,
  /^libc\+\+abi: /,
  /\bAssertion (failed\b|.* failed\.?$)/,
  /^thread '.*' panicked at/,
  /^(free|malloc|realloc|munmap_chunk|corrupted|double free)\b.*(\(|corrupt|invalid)/,
  /^\*\*\* .* \*\*\*: terminated/,
  // An exception that reached the top, in JavaScript's words.
  /^(Uncaught )?([A-Z]\w*)?(Error|Exception)( \[\w+\])?(: |$)/,
  /^\[?UnhandledPromiseRejection/,
];

/** What is said on the side, and what belongs to the line before. */
const ASIDES: readonly RegExp[] = [
  /^\s*at .+/,
  /^\s*\^+\s*$/,
  // Node's own stacks.
  /^\s*\d+: /,
  /^-{3,} .* -{3,}$/,
  /^#$/,
  /^npm (notice|warn|info|http)\b/i,
  /^\(node:\d+\)/,
  /^\(Use `node /,
  /^Node\.js v\d/,
  /^\s*hint: /,
];

const COLOURS = new RegExp(`${String.fromCharCode(0x1b)}\\[[\\d;]*m`, 'g');

/**
 * The first line that names the error which a process ended with, else its last whole line that is neither a record of
 * normal work nor an aside; '' where there is none.
 *
 * The words of the command line itself come before those of a runtime, and those before records: a record of an error
 * may be hours old, and was survived then.
 */
export function lastWordsIn(log: string): string {
  // What follows the last line feed was never finished.
  const lines = log
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(COLOURS, '').trimEnd())
    .filter((line) => line !== '');
  const said = lines.find((line) => line.startsWith('error: '));
  const words =
    said?.slice('error: '.length) ?? crashIn(lines) ?? recordIn(lines) ?? lastLineOf(lines) ?? '';
  return bounded(words);
}

function crashIn(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((line) => CRASHES.some((crash) => crash.test(line)));
  const line = lines[at];
  if (line === undefined) return undefined;
  // C++ says in a line of its own what was thrown, V8 what it checked.
  const more = /^(?:\s+what\(\): +|# )(.+)/.exec(lines[at + 1] ?? '')?.[1];
  const words = line.replace(/^# /, '');
  return more === undefined ? words : `${words}: ${more}`;
}

/** The last record of an error: earlier ones were survived. */
function recordIn(lines: readonly string[]): string | undefined {
  for (const line of [...lines].reverse()) {
    const record = line.startsWith('{') ? jsonRecord(line) : undefined;
    if (record === undefined) continue;
    const { level, msg, err } = record;
    if (!(Number(level) >= ERROR_LEVEL || ERROR_LEVELS.has(level))) continue;
    const cause = (err as { readonly message?: unknown } | null | undefined)?.message;
    return [msg, cause].filter((text) => typeof text === 'string' && text !== '').join(': ');
  }
  return undefined;
}

function lastLineOf(lines: readonly string[]): string | undefined {
  return lines.findLast(
    (line) => !line.startsWith('{') && !ASIDES.some((aside) => aside.test(line)),
  );
}

function bounded(text: string): string {
  const line = oneLine(text.trim());
  return line.length <= WORDS_CHARS_MAX ? line : `${line.slice(0, WORDS_CHARS_MAX)}…`;
}
