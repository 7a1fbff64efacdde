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

/** The table for people at a terminal: two lines a situation. */
export function text(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ number, kind, title, command, outcome, code, seconds }) => [
    `${String(number).padStart(2)}  kind ${kind}  ${seconds.toFixed(1).padStart(5)} s  exit ${code.padEnd(4)} ${title}`,
    `      $ ${cut(command)}`,
    `      ${cut(outcome)}`,
  ]);
  return ['', ...lines, ''].join('\n');
}

/** The table for a document. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(({ number, kind, title, command, outcome, code, seconds }) =>
    [
      number,
      `${kind}: ${KINDS[kind]}`,
      title,
      `\`${cell(command)}\``,
      cell(outcome),
      code,
      seconds.toFixed(1),
    ].join(' | '),
  );
  const head = ['#', 'kind', 'situation', 'command', 'outcome', 'exit code', 'seconds'];
  const table = [head.join(' | '), head.map(() => '---').join(' | '), ...lines];
  return table.map((line) => `| ${line} |\n`).join('');
}

function cell(words: string): string {
  return cut(words).replaceAll('|', '\\|').replaceAll('`', "'");
}

function cut(words: string): string {
  const line = words.replaceAll(/\s+/g, ' ').trim();
  return line.length <= OUTCOME_MAX ? line : `${line.slice(0, OUTCOME_MAX - 1)}…`;
}
