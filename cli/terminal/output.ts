/** @file What the command line says on stderr: banners, hints and errors. Results go to stdout. */
import { styleText } from 'node:util';
import type { TesseraError } from '../../shared/core/errors.ts';
import { escaped } from '../../shared/core/text.ts';
import type { DocumentName } from '../../tools/documents/documents.ts';
import { typable } from './command-text.ts';
import { hasColor, isImportant, isQuiet, type MaybeTerminal } from './manners.ts';

type Style = Parameters<typeof styleText>[0] & string;

/** Text in a colour, where the stream that it goes to shows colours (`--color`, NO_COLOR, FORCE_COLOR). */
export function paint(style: Style, text: string, stream: MaybeTerminal = process.stderr): string {
  return hasColor(stream) ? styleText(style, text, { validateStream: false }) : text;
}

/** One line without control sequences except colours: names of files and classes are untrusted. */
export function harmless(line: string): string {
  return line.replace(/(\p{Cc})(\[[\d;]*m)?/gu, (all, sign: string, colour = '') => {
    const isOurs = sign === '\t' || (sign === '\u001b' && colour !== '');
    return isOurs ? all : escaped(sign) + colour;
  });
}

function asLines(lines: readonly string[]): string {
  return lines.map((line) => `${harmless(line)}\n`).join('');
}

/** Says a line to the person who watches; with `--quiet` only one that warns. */
export function say(line: string): void {
  if (isQuiet() && !isImportant(line)) return;
  process.stderr.write(asLines([line]));
}

/** Warnings of one command about its images: more of them would drown everything else. */
const WARNINGS_MAX = 10;

/** Says the first warnings of many; the others are counted. */
export class Warnings {
  #given = 0;

  give(sentence: string): void {
    this.#given += 1;
    if (this.#given <= WARNINGS_MAX) say(`warning: ${sentence}`);
  }

  /** That was all of them. */
  close(): void {
    if (this.#given > WARNINGS_MAX) say(`warning: and ${this.#given - WARNINGS_MAX} more`);
  }
}

/** `➜ coordinator  127.0.0.1:50051`: something to know or to type. */
export function pointer(label: string, value: string): string {
  return `  ${paint('green', '➜')} ${paint('bold', label.padEnd(11))}  ${value}`;
}

/** Something that may surprise. */
export function warning(sentence: string): string {
  return `${paint('yellow', '⚠')} ${sentence}`;
}

/** What to do about the line above; commands in it are named as they are to be typed here. */
export function hint(sentence: string, stream?: MaybeTerminal): string {
  return `  ${paint('cyan', 'hint:', stream)} ${typable(sentence)}`;
}

const BUG_HINT = 'this is a bug of Tessera; type it again with --verbose to see where';

/** The lines of an error: what is wrong, what to do, and with `stack` where in the code. */
export function describeError(error: TesseraError, options: { readonly stack: boolean }): string {
  const [sentence, ...rest] = error.sentence.split('\n');
  const lines = [`${paint('bold', paint('red', 'error:'))} ${sentence}`, ...rest];
  if (error.hint !== undefined) lines.push(hint(error.hint));
  if (options.stack) {
    const cause = error.cause instanceof Error ? `\ncause: ${error.cause.stack}` : '';
    const stack = `${error.stack ?? ''}${cause}`;
    lines.push(...stack.split('\n').map((line) => paint('dim', `  ${line}`)));
  } else if (error.code === 'INTERNAL') {
    lines.push(hint(BUG_HINT));
  }
  return asLines(lines);
}

/** A document with its name, which docs/json.md describes. */
interface NamedDocument {
  readonly schema: DocumentName;
  readonly [field: string]: unknown;
}

/** Prints the one JSON document of a command on stdout. */
export function printJson<Document extends NamedDocument>(document: Document): void {
  printSchema(document);
}

/** Prints a JSON Schema on stdout: the one document without a name of ours. */
export function printSchema(schema: object): void {
  process.stdout.write(`${jsonText(schema, 2)}\n`);
}

/** JSON leaves the control characters from U+007F on as they are, and terminals obey some. */
export function jsonText(document: object, indent?: number): string {
  return JSON.stringify(document, null, indent).replace(/[\u007f-\u009f]/g, escaped);
}

/** Prints lines of a result on stdout. */
export function print(lines: readonly string[]): void {
  process.stdout.write(asLines(lines));
}
