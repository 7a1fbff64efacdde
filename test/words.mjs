/**
 * @file `npm run words [FILES]`: no phrase of the word list in CONTRIBUTING.md, no line of a document over 120
 * characters; otherwise it names each place and exits 1.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIST = 'CONTRIBUTING.md';
const LINE_MAX = 120;
/** The files that are checked: pages, configs, protos and the product's sources. */
const CHECKED = [
  /^[A-Z]+\.md$/,
  /^docs\/.*\.md$/,
  /^configs\/.*\.yaml$/,
  /^proto\//,
  /^(?!test\/|.*\/generated\/).*\.ts$/,
];
/** Between two words of a phrase: blanks, also where a comment or a list continues on the next line. */
const GAP = String.raw`(?:[ \t]+|[ \t]*\n[ \t]*(?:\/\/+|\*|#+)?[ \t]*)`;

/** Rows of the word list: the phrases to avoid, what to write, and the exceptions. */
function rowsOf(page) {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, 4))
    .map(([avoid, write, except]) => ({
      avoid: phrasesOf(avoid),
      write: write.trim(),
      except: phrasesOf(except),
    }));
  if (rows.length < 10) throw new Error(`${LIST} has no word list`);
  return rows;
}

function phrasesOf(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
}

function patternOf(phrases) {
  const words = phrases.map((phrase) => phrase.replaceAll(' ', GAP));
  return new RegExp(`(?<![\\w-])(?:${words.join('|')})(?![\\w-])`, 'gi');
}

/** Fields of files on disk, whose names stay as they are. */
const ON_DISK = /\bgivenUp\b/g;

/** Source text with names split into words, line by line: `leafWish` -> `leaf Wish`. */
function withNamesSplit(path, text) {
  if (!path.endsWith('.ts')) return text;
  const own = text.replaceAll(ON_DISK, (name) => name.toLowerCase());
  return own.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ');
}

function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}

function* wordFaults(path, text, rows) {
  const split = withNamesSplit(path, text);
  for (const { avoid, write, except } of rows) {
    const fine = except.length === 0 ? [] : [...split.matchAll(patternOf(except))];
    for (const match of split.matchAll(patternOf(avoid))) {
      const end = match.index + match[0].length;
      const isFine = fine.some((e) => e.index <= match.index && end <= e.index + e[0].length);
      if (isFine) continue;
      const words = match[0].replaceAll(/\s+/g, ' ');
      yield `${path}:${lineAt(split, match.index)}: "${words}": write ${write}`;
    }
  }
}

function* lineFaults(path, text) {
  for (const [index, line] of text.split('\n').entries()) {
    const { length } = [...line.replaceAll(/https?:\/\/[^\s|)]+|\]\([^)]*\)/g, '')];
    if (length > LINE_MAX) yield `${path}:${index + 1}: ${length} characters, at most ${LINE_MAX}`;
  }
}

function faultsIn(path, rows) {
  const text = readFileSync(resolve(ROOT, path), 'utf8');
  const words = path === LIST ? text.replaceAll(/^\| `.*$/gm, '') : text;
  return [
    ...wordFaults(path, words, rows),
    ...(path.endsWith('.md') ? lineFaults(path, words) : []),
  ];
}

function checkedFiles() {
  const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return files.filter((path) => CHECKED.some((pattern) => pattern.test(path)));
}

const rows = rowsOf(readFileSync(join(ROOT, LIST), 'utf8'));
const given = process.argv.slice(2);
const faults = (given.length > 0 ? given : checkedFiles()).flatMap((path) => faultsIn(path, rows));
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n${faults.length} places; the words are in ${LIST}\n`);
  process.exitCode = 1;
}
