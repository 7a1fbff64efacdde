/**
 * @file `npm run notebooks -- [FOLDER]`: the pages of the lesson as notebooks for the Jupyter kernel of Deno.
 *
 *   npm run notebooks -- notebooks                  the pages of docs/lesson
 *   npm run notebooks -- notebooks --pages FOLDER   other pages
 *
 * Files of a page become cells: what they export is there for the cells after them, of later pages too. They lie
 * beside the notebooks as well. What a page says that a command prints is the output of its cell until that runs. `test/unit/notebooks.test.ts` has an example.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const KERNEL = { display_name: 'Deno', language: 'typescript', name: 'deno' };
const FENCE = /^```(\S*)\s*$/;
const LOCAL_IMPORT = /^import\s*\{([^}]*)\}\s*from\s*'\.\/([\w.-]+)';\n/gm;
/** Where links lead that leave the lesson. */
const REPOSITORY = 'https://github.com/tessera-train/tessera/blob/main';
/** What a command prints is seen line by line. One that fails is seen, and the cells after it run. */
const SHELL = `import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const sh = async (command) => {
  const { stdout, stderr } = spawn(command, { shell: true });
  const print = async (input) => {
    for await (const line of createInterface({ input })) console.log(line);
  };
  await Promise.all([print(stdout), print(stderr)]);
};`;

/** A page as parts: prose, and fences with their language. */
function partsOf(page) {
  const parts = [{ language: undefined, lines: [] }];
  for (const line of page.split('\n')) {
    const { language } = parts.at(-1);
    const opened = FENCE.exec(line)?.[1];
    if (opened === undefined) parts.at(-1).lines.push(line);
    else parts.push({ language: language === undefined ? opened : undefined, lines: [] });
  }
  return parts.map(({ language, lines }) => ({ language, text: lines.join('\n') }));
}

/** The files that a page has its reader save: text by name. */
function filesIn(page) {
  const files = partsOf(page).map(({ text }) => [/^\/\/ ([\w.-]+\.mjs)\n/.exec(text)?.[1], text]);
  return files.filter(([name]) => name !== undefined);
}

/** Names of the files that code imports. Throws  Error for a name that it changes: a cell has the file's own names. */
function importsOf(code) {
  return [...code.matchAll(LOCAL_IMPORT)].map(([line, names, file]) => {
    if (/\bas\b/.test(names)) throw new Error(`a cell cannot rename what it imports: ${line}`);
    return file;
  });
}

/** A file's code as a cell: its names are there for all cells, and it has no arguments. */
function cellCode(code) {
  return code
    .replaceAll(LOCAL_IMPORT, '')
    .replaceAll(/^export /gm, '')
    .replaceAll('process.argv.slice(2)', '[]')
    .trim();
}

/** The commands of a block, each on one line. */
function commandsIn(text) {
  return text.replaceAll(/\s*\\\n\s*/g, ' ').split('\n').filter((line) => line.trim() !== '');
}

/** The prose of a page where its neighbours are notebooks, and pictures are what the commands of this one make. */
function prose(text) {
  return text
    .replaceAll(/^<!-- lesson: .* -->\n?/gm, '')
    .replaceAll('](pictures/', '](')
    .replaceAll(/\]\(([\w-]+)\.md(#[\w-]+)?\)/g, ']($1.ipynb)')
    .replaceAll('](../../', `](${REPOSITORY}/`)
    .replaceAll('](../pictures/', `](${REPOSITORY.replace('blob', 'raw')}/docs/pictures/`)
    .replaceAll('](../', `](${REPOSITORY}/docs/`)
    .trim();
}

/** The cells of a page; `earlier` are the files of the pages before it. */
function cellsOf(page, earlier = new Map()) {
  const cells = [];
  const ran = new Set();
  const files = new Map([...earlier, ...filesIn(page)]);
  const markdown = (source) => source !== '' && cells.push({ cell_type: 'markdown', source });
  const code = (source) => cells.push({ cell_type: 'code', source, outputs: [] });
  const runFile = (name) => {
    if (ran.has(name)) return;
    ran.add(name);
    const text = files.get(name);
    if (text === undefined) throw new Error(`no page before this one has ${name}`);
    for (const other of importsOf(text)) runFile(other);
    code(cellCode(text));
  };
  let isShellReady = false;
  const runCommand = (command) => {
    const file = /^node ([\w.-]+\.mjs)$/.exec(command)?.[1];
    const expression = /^node -p "(.*)"$/.exec(command)?.[1];
    if (file !== undefined) return runFile(file);
    if (expression !== undefined) return code(printing(expression));
    if (command.startsWith('npm install')) return markdown(`\`\`\`sh\n${command}\n\`\`\``);
    if (!isShellReady) code(SHELL);
    isShellReady = true;
    code(`await sh(${JSON.stringify(command)});`);
  };
  for (const { language, text } of partsOf(page)) {
    const name = /^\/\/ ([\w.-]+\.mjs)\n/.exec(text)?.[1];
    const data = /Save as `([\w.-]+)`:\s*$/.exec(cells.at(-1)?.source ?? '')?.[1];
    if (language === undefined) markdown(prose(text));
    else if (language === 'sh') commandsIn(text).forEach(runCommand);
    else if (language === 'text') cells.at(-1).outputs?.push(outputOf(text));
    else if (language === 'math') markdown(`$$\n${text}\n$$`);
    else if (name !== undefined) runFile(name);
    else if (data !== undefined) code(savingOf(data, text));
    else markdown(`\`\`\`${language}\n${text}\n\`\`\``);
  }
  return cells;
}

/** The code of `node -p`: the last expression is printed, and what it declares is not seen by other cells. */
function printing(expression) {
  const [last, ...before] = expression.split('; ').reverse();
  if (before.length === 0) return `console.log(${last});`;
  return `{\n  ${before.reverse().join(';\n  ')};\n  console.log(${last});\n}`;
}

function outputOf(text) {
  return { output_type: 'stream', name: 'stdout', text };
}

function savingOf(name, text) {
  const contents = `[\n${text.split('\n').map((line) => `  ${JSON.stringify(line)},\n`).join('')}]`;
  return `import { writeFileSync } from 'node:fs';\nwriteFileSync('${name}', ${contents}.join('\\n'));`;
}

/** A page as a notebook, in version 4.5 of the format. */
function notebookOf(page, earlier) {
  const cells = cellsOf(page, earlier).map((cell, place) => ({
    id: `cell-${place + 1}`,
    metadata: {},
    ...cell,
    ...(cell.cell_type === 'code' && { execution_count: null }),
  }));
  const metadata = { kernelspec: KERNEL, language_info: { name: KERNEL.language } };
  return { cells, metadata, nbformat: 4, nbformat_minor: 5 };
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pages: { type: 'string', default: resolve(import.meta.dirname, 'lesson') },
    },
  });
  const [folder = 'notebooks'] = positionals;
  mkdirSync(folder, { recursive: true });
  const earlier = new Map();
  for (const name of readdirSync(values.pages).filter((file) => file.endsWith('.md')).sort()) {
    const page = readFileSync(join(values.pages, name), 'utf8');
    const notebook = notebookOf(page, earlier);
    const path = join(folder, name.replace(/\.md$/, '.ipynb'));
    writeFileSync(path, `${JSON.stringify(notebook, undefined, 1)}\n`);
    process.stdout.write(`${path}\n`);
    for (const [file, text] of filesIn(page)) {
      writeFileSync(join(folder, file), `${text.trimEnd()}\n`); // a page may run a file as a program
      earlier.set(file, text);
    }
  }
}

main();
