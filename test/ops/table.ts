/** @file The table of `npm run ops`: for a terminal, and as Markdown. Pure. */
import { KINDS, type Situation } from './situation.ts';

/** What came of a situation. */
export interface Row {
  readonly number: number;
  readonly kind: Situation['kind'];
  readonly title: string;
  /** The judged command. */
  readonly command: string;
  /** What it said in a line, and figures. */
  readonly outcome: string;
  /** Exit code, or the signal that ended it. */
  readonly code: string;
  readonly seconds: number;
}

const OUTCOME_MAX = 220;
/** Of a document, as CONTRIBUTING.md says. */
const LINE_MAX = 120;

/** The table for people at a terminal: two lines a situation. */
export function text(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ number, kind, title, command, outcome, code, seconds }) => [
    `${String(number).padStart(2)}  kind ${kind}  ${seconds.toFixed(1).padStart(5)} s  exit ${code.padEnd(4)} ${title}`,
    `      $ ${cut(command)}`,
    `      ${cut(outcome)}`,
  ]);
  return ['', ...lines, ''].join('\n');
}

/** The rows for a document: a section for each kind, and in it each command and its result. */
export function markdown(rows: readonly Row[]): string {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const sections = kinds.map((kind) => {
    const entries = rows.filter((row) => row.kind === kind).flatMap(entry);
    return [`## ${kind}: ${KINDS[kind]}`, ...entries, ''].join('\n');
  });
  return sections.join('\n');
}

function entry({ number, title, command, outcome, code, seconds }: Row): string[] {
  const ended = `exit ${code}, ${seconds.toFixed(1)} s`;
  const output = [...wrapped(`$ ${cut(command)}`, '    '), ...wrapped(cut(outcome), '  ')];
  return ['', ...wrapped(`**${number}. ${title}** (${ended})`, ''), '```', ...output, '```'];
}

/** Lines of at most LINE_MAX characters, as far as words allow it; all but the first are indented. */
function wrapped(words: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if ([...longer].length > LINE_MAX && line !== '') {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line];
}

function cut(words: string): string {
  const line = words.replaceAll(/\s+/g, ' ').trim();
  return line.length <= OUTCOME_MAX ? line : `${line.slice(0, OUTCOME_MAX - 1)}…`;
}
