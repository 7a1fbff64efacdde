/** @file The pages of docs/lesson as a test reads them: files to save, commands to run, what those print, pictures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the pages are. */
export const LESSON = resolve(import.meta.dirname, '../../../docs/lesson');

/** What a command needs that not every machine has. */
export type Need = 'weights' | 'photos';

/** A file that the reader types. */
export interface FileBlock {
  readonly kind: 'file';
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

/** Commands that the reader runs, and what the page says that they print. */
export interface CommandBlock {
  readonly kind: 'commands';
  readonly commands: readonly string[];
  readonly line: number;
  /** The lines of the output block that follows; undefined where there is none. */
  readonly output: readonly string[] | undefined;
  readonly needs: ReadonlySet<Need>;
  /** Whether it takes too long for `npm test`. */
  readonly isSlow: boolean;
  /** Whether the test has done it in its own way: the install. */
  readonly isDone: boolean;
  /** How far numbers with a decimal point may be off, relatively. */
  readonly tolerance: number;
}

/** One page. */
export interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly (FileBlock | CommandBlock)[];
  /** Names of the pictures that it shows. */
  readonly pictures: readonly string[];
}

const TOLERANCE = 0.01;
const FENCE = /^```(\S*)\s*$/;
const DIRECTIVE = /^<!-- lesson: (.*) -->$/;
const SAVE_AS = /^Save as `([\w.-]+)`:?$/;
const NEEDS: readonly string[] = ['weights', 'photos'] satisfies Need[];

/** All pages in the order of their names; the index comes last. */
export function readPages(folder = LESSON): readonly Page[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  return names.sort().map((name) => parsePage(name, readFileSync(join(folder, name), 'utf8')));
}

/**
 * Takes a page apart.
 *
 * Throws  Error for a fence that is neither a file, nor commands, nor what they print.
 */
export function parsePage(name: string, text: string): Page {
  const blocks: (FileBlock | CommandBlock)[] = [];
  const lines = text.split('\n');
  let directive: string | undefined;
  let saveAs: string | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    directive = DIRECTIVE.exec(line)?.[1] ?? directive;
    saveAs = SAVE_AS.exec(line)?.[1] ?? saveAs;
    const language = FENCE.exec(line)?.[1];
    if (language === undefined) continue;
    const end = lines.findIndex((other, later) => later > at && other === '```');
    const body = lines.slice(at + 1, end);
    const place = { name, line: at + 1, language };
    addBlock(blocks, body, { ...place, directive, saveAs });
    [directive, saveAs, at] = [undefined, undefined, end];
  }
  const pictures = [...text.matchAll(/!\[[^\]]*\]\(pictures\/([^)]+)\)/g)].map(([, path]) => path!);
  return { name, text, blocks, pictures };
}

interface Fence {
  readonly name: string;
  readonly line: number;
  readonly language: string;
  readonly directive: string | undefined;
  readonly saveAs: string | undefined;
}

function addBlock(
  blocks: (FileBlock | CommandBlock)[],
  body: readonly string[],
  { name, line, language, directive = '', saveAs }: Fence,
): void {
  const where = `${name}:${line}`;
  const fileName = /^\/\/ ([\w.-]+\.mjs)$/.exec(body[0] ?? '')?.[1] ?? saveAs;
  const last = blocks.at(-1);
  if (language === 'sh') {
    blocks.push({
      kind: 'commands',
      commands: body,
      line,
      output: undefined,
      ...read(directive, where),
    });
  } else if (language === 'text') {
    if (last?.kind !== 'commands' || last.output !== undefined) {
      throw new Error(`${where}: an output without commands before it`);
    }
    blocks[blocks.length - 1] = { ...last, output: body };
  } else if (fileName !== undefined) {
    blocks.push({ kind: 'file', name: fileName, text: `${body.join('\n')}\n`, line });
  } else if (language !== 'math') {
    throw new Error(`${where}: a fence of ${language || 'no language'} that no test runs`);
  }
}

/** What a directive asks for. */
function read(directive: string, where: string) {
  const words = directive.split(' ').filter((word) => word !== '');
  const needs = new Set(words.filter((word): word is Need => NEEDS.includes(word)));
  const tolerance = Number(/tolerance=([\d.]+)/.exec(directive)?.[1] ?? TOLERANCE);
  const known = words.filter(
    (word) => NEEDS.includes(word) || ['slow', 'done'].includes(word) || /^tolerance=/.test(word),
  );
  if (known.length < words.length) throw new Error(`${where}: unknown words in "${directive}"`);
  return { needs, tolerance, isSlow: words.includes('slow'), isDone: words.includes('done') };
}
