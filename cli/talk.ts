/** @file What the command line says on stderr: banners, hints and errors. Results go to stdout. */
import { styleText } from 'node:util';
import type { TesseraError } from '../shared/core/errors.ts';
import { errnoOf } from '../shared/host/errno.ts';

type Style = Parameters<typeof styleText>[0] & string;

/** Text in a colour, where stderr shows colours and NO_COLOR does not forbid it. */
export function paint(style: Style, text: string): string {
  // One style a call: for a list of them Node 20 does not ask the stream.
  return styleText(style, text, { stream: process.stderr });
}

/** Text without what a terminal obeys, but for line ends and colours: names of files and classes are strangers'. */
function harmless(text: string): string {
  return text.replace(/(\p{Cc})(\[[\d;]*m)?/gu, (all, sign: string, colour = '') => {
    const isOurs = sign === '\n' || sign === '\t' || (sign === '\u001b' && colour !== '');
    return isOurs ? all : escaped(sign) + colour;
  });
}

/** A text of a stranger in one line: each control character as JSON would write it. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Says a line to the person who watches. */
export function say(line: string): void {
  process.stderr.write(`${harmless(line)}\n`);
}

/** `➜ coordinator  127.0.0.1:50051`: something to know or to type. */
export function pointer(label: string, value: string): string {
  return `  ${paint('green', '➜')} ${paint('bold', label.padEnd(11))}  ${value}`;
}

const BUG_HINT = 'this is a bug of Tessera; type it again with --verbose to see where';
/** What the machine has run out of, by the code of the call that failed. */
const SYSTEM_HINTS: Partial<Record<string, string>> = {
  EMFILE: 'let this process open more files: `ulimit -n 1024` is plenty',
  ENFILE: 'the machine has too many files open',
  ENOMEM: 'the machine has no memory left',
  ENOSPC: 'free some space',
};

/** The lines of an error: what is wrong, what to do, and with `stack` where in the code. */
export function describeError(error: TesseraError, options: { readonly stack: boolean }): string {
  const lines = [`${paint('bold', paint('red', 'error:'))} ${error.sentence}`];
  if (error.hint !== undefined) lines.push(`  ${paint('cyan', 'hint:')} ${error.hint}`);
  if (options.stack) {
    lines.push(paint('dim', error.stack ?? ''));
    if (error.cause instanceof Error) lines.push(paint('dim', `cause: ${error.cause.stack}`));
  } else if (error.code === 'INTERNAL') {
    lines.push(`  ${paint('cyan', 'hint:')} ${SYSTEM_HINTS[errnoOf(error.cause)] ?? BUG_HINT}`);
  }
  return harmless(`${lines.join('\n')}\n`);
}

/** Prints the one JSON document of a command on stdout. */
export function printJson(document: object): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** Prints lines of a result on stdout. */
export function print(lines: readonly string[]): void {
  process.stdout.write(harmless(lines.map((line) => `${line}\n`).join('')));
}
