/** @file Pages of a lesson as notebooks, and the Jupyter kernel of Deno that runs them where it is installed. */
import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const REPO = resolve(import.meta.dirname, '../..');
/** A virtual environment with nbclient and Deno's wheel; `.ci/run` makes it. */
const { TESSERA_NOTEBOOKS = join(REPO, '.tessera/notebooks') } = process.env;

/** Whether notebooks can be run here; where not, tests are skipped and say so. */
export const hasKernel = existsSync(join(TESSERA_NOTEBOOKS, 'bin/deno'));
if (!hasKernel) process.stderr.write('skipped: notebooks, there is no Jupyter kernel here\n');

/** One cell of a notebook. */
export interface Cell {
  readonly cell_type: 'markdown' | 'code';
  readonly source: string;
  readonly outputs?: readonly { readonly name: string; readonly text: string }[];
}

/** Makes notebooks of pages, given by name or as their folder; returns the folder of the notebooks. */
export function makeNotebooks(pages: Readonly<Record<string, string>> | string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-notebooks-'));
  const from = typeof pages === 'string' ? pages : join(folder, 'pages');
  if (typeof pages !== 'string') {
    mkdirSync(from);
    for (const [name, text] of Object.entries(pages)) writeFileSync(join(from, name), text);
  }
  const script = join(REPO, 'docs/notebooks.mjs');
  execFileSync(process.execPath, [script, folder, '--pages', from], { stdio: 'pipe' });
  return folder;
}

/** The cells of a notebook. */
export function cellsIn(folder: string, name: string): readonly Cell[] {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')).cells;
}

/** Runs a notebook as Jupyter does, beside an installed package; returns what each cell printed. Throws  the error of a cell. */
export async function runNotebook(folder: string, name: string): Promise<readonly string[]> {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) {
    mkdirSync(join(modules, '.bin'), { recursive: true });
    symlinkSync(REPO, join(modules, 'tessera-train'));
    // As npm links it, which makes it executable.
    const program = `#!/bin/sh\nexec '${process.execPath}' '${join(REPO, 'dist/cli/main.js')}' "$@"\n`;
    writeFileSync(join(modules, '.bin/tessera'), program, { mode: 0o755 });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  }
  const deno = join(TESSERA_NOTEBOOKS, 'bin/deno');
  const kernel = join(folder, 'kernels/deno');
  mkdirSync(kernel, { recursive: true });
  const argv = [deno, 'jupyter', '--kernel', '--conn', '{connection_file}'];
  const spec = { argv, display_name: 'Deno', language: 'typescript' };
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify(spec));
  const python = join(TESSERA_NOTEBOOKS, 'bin/python');
  const runner = join(import.meta.dirname, 'run-notebook.py');
  const env = { ...process.env, JUPYTER_PATH: folder, DENO_NO_UPDATE_CHECK: '1' };
  const { stdout } = await promisify(execFile)(python, [runner, join(folder, name)], { env });
  return JSON.parse(stdout);
}
