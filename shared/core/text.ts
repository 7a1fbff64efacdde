/** @file Any text, such as names of files and classes, inside a line: of output, or of a shell. Pure. */

/** A text in one line that cannot control a terminal: each control character is escaped as in JSON. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

/** What ends a line, controls a terminal, or turns what follows it around. */
const OBEYED = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A text of another machine as one line of so many characters at most, in which nothing is obeyed by what shows it. */
export function foreignLine(text: string, charsMax: number): string {
  const line = text.slice(0, charsMax).replace(OBEYED, escaped);
  if (text.length <= charsMax && line.length <= charsMax) return line;
  return `${line.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A control character, escaped as in JSON. */
export function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A library's message of several lines as one line. */
export function unbroken(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/** Whether a parsed value is an object, not a list or null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON object in a line, such as a record of a log or of metrics; undefined for any other line. */
export function jsonRecord(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Combining marks and joiners: they take no cell of their own. */
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Characters that take two cells of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** The number of terminal cells of a text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const sign of text) if (!NO_WIDTH.test(sign)) width += WIDE.test(sign) ? 2 : 1;
  return width;
}

/** Names that a sentence has room for. */
const NAMES_MAX = 10;

/** The first names of many, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const some = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${some} and ${names.length - NAMES_MAX} more` : some;
}

/** What no shell reads in a way of its own. zsh takes a word that begins with = for the name of a program. */
const PLAIN = /^[\w./:@,+-][\w./:=@,+-]*$/;

/** A word in single quotes, as every shell of POSIX takes it. */
export function quotedWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A word for a line that people copy into any shell of POSIX: without quotes where it needs none. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!/\p{Cc}/u.test(word)) return quotedWord(word);
  // A terminal is shown no control characters, so printf writes them; $(...) takes the last newlines away, and a path
  // with a slash behind them is the same.
  const safe = word.endsWith('\n') ? `${word}/` : word;
  return `"$(printf '${safe.replace(/[^\w ./:=@,+~]/gu, forPrintf)}')"`;
}

/** A word for a script of bash, exact to its last newline; control characters are written by their codes. */
export function bashWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!/\p{Cc}/u.test(word)) return quotedWord(word);
  return `$'${word.replace(/[\\']/g, '\\$&').replace(/\p{Cc}/gu, octal)}'`;
}

/** A sign in the format of printf. */
function forPrintf(sign: string): string {
  // Some shells read the octal form of a percent sign as the sign itself.
  if (sign === '%') return '%%';
  return /[\p{ASCII}\p{Cc}]/u.test(sign) ? octal(sign) : sign;
}

function octal(sign: string): string {
  return Array.from(Buffer.from(sign), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
