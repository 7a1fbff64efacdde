/** @file Habits that no linter checks: sizes of files, header comments, banned calls. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';
import { MUTATIONS, type Mutation } from '../sim/mutations.ts';

const REPO = resolve(import.meta.dirname, '../..');
const SOURCES = ['shared', 'coordinator', 'worker', 'launch', 'tools', 'cli', 'bench']
  .flatMap((folder) =>
    readdirSync(resolve(REPO, folder), { recursive: true }).map((name) =>
      join(folder, String(name)),
    ),
  )
  .concat('index.ts', 'model.ts')
  .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
  .map((path) => ({ path, text: readFileSync(resolve(REPO, path), 'utf8') }));
const PURE =
  /^(shared\/(core|model|training|weights\/(formats|names|describe|fit)|data\/pixels\/formats)|coordinator\/core|worker\/core)\//;

/** Paths of the sources that a predicate finds fault with. */
function offenders(isBad: (source: { path: string; text: string }) => boolean): string[] {
  return SOURCES.filter(isBad).map(({ path }) => path);
}

describe('the sources are tidy', () => {
  it('there are sources', () => expect(SOURCES.length).toBeGreaterThan(50));

  it('no file is longer than 300 lines', () => {
    expect(offenders(({ text }) => text.split('\n').length > 301)).toEqual([]);
  });

  it('no folder has more than 16 files', () => {
    const folders = SOURCES.map(({ path }) => dirname(path));
    const crowded = [...new Set(folders)].filter(
      (folder) => folders.filter((other) => other === folder).length > 16,
    );
    expect(crowded).toEqual([]);
  });

  it('every file begins by saying what it is', () => {
    expect(offenders(({ text }) => !/^(#!.*\n)?\/\*\*\s*(\*\s*)?@file /.test(text))).toEqual([]);
  });

  it('nothing uses Math.random; pure code has no generator but the counter-based one', () => {
    expect(offenders(({ text }) => /Math\.random\(/.test(text))).toEqual([]);
  });

  it('only config/load.ts reads settings from the environment', () => {
    // observe.ts looks up the one variable that a config names, which holds the address of a webhook.
    // render.ts and telemetry.ts take no settings: they tell libraries where fonts are, and to report nothing.
    // local-run.ts looks where engines are installed, and which GPUs a user leaves visible.
    // tfjs-installed.ts sets what TensorFlow reads; tfjs.ts and onnxruntime-cuda.ts hand over the place of installed engines.
    // xla.ts looks where engines are installed; its plugins read the environment, which open.ts sets.
    // export/folder runs in programs of others: it keeps ONNX Runtime from reporting, and reads its own files.
    // objects/credentials.ts finds the keys of an object store as all its clients do.
    // debugger.ts looks whether the user has asked Node for its debugger.
    const allowed =
      /^(shared\/(config\/(load|observe)|objects\/credentials|compute\/(telemetry|executable-cache|engines\/(onnxruntime-cuda|tfjs|xla))|machine\/debugger)|tools\/pictures\/render|cli\/|launch\/(worker-process|local-run)|worker\/parent\/(last-error|earlier-end)|tools\/(inference\/read\/find-model|export\/folder\/)|bench\/)/;
    const found = offenders(({ text }) => /process\.env\b/.test(text));
    expect(found.filter((path) => !allowed.test(path))).toEqual([]);
  });

  it('files of others come in by one door, which opens regular files only', () => {
    // Files of the kernel, of a package, and those that a benchmark has made.
    const allowed =
      /^(shared\/files\/regular-file\.ts|shared\/machine\/(devices|processes|processor|closed-stream|socket-owner)\.ts|shared\/data\/sets\/mnist\.ts|shared\/kernels\/module\.ts|tools\/export\/folder\/|bench\/)/;
    const found = offenders(({ text }) =>
      /\b(readFile|readFileSync|createReadStream)\(/.test(text),
    );
    expect(found.filter((path) => !allowed.test(path))).toEqual([]);
  });

  it('pure code never asks for the time', () => {
    const clock = 'shared/core/clock.ts';
    expect(
      offenders(
        ({ path, text }) =>
          PURE.test(path) && path !== clock && /\b(Date\.now|performance\.now)\(/.test(text),
      ),
    ).toEqual([]);
  });
});

it('each planted bug has its place', () => {
  const isStale = ({ file, find }: Mutation) => !readFileSync(resolve(REPO, file)).includes(find);
  expect(MUTATIONS.filter(isStale).map(({ name }) => name)).toEqual([]);
});

describe('the README is true', () => {
  const readme = readFileSync(resolve(REPO, 'README.md'), 'utf8');

  it('every local link leads to a file', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(
      (match) => match[1] as string,
    );
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(resolve(REPO, link)))).toEqual([]);
  });

  it('its table of exit codes is that of the code', () => {
    const [, table = ''] = readme.split('## Exit codes');
    const listed = [...table.matchAll(/^\| \d.*\|$/gm)].map(([row]) => row);
    const rows = exitCodeRows().map((row) => `| ${row.code} | ${row.meaning} | ${row.restart} |`);
    expect(listed).toEqual(rows);
  });

  it('every npm script that it names exists', () => {
    const { scripts } = JSON.parse(readFileSync(resolve(REPO, 'package.json'), 'utf8'));
    const named = [...readme.matchAll(/npm run (?:--silent )?([a-z0-9:]+)/g)].map(
      (match) => match[1] as string,
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the map is true', () => {
  const map = readFileSync(resolve(REPO, 'docs/architecture.md'), 'utf8');

  it('every path of docs/architecture.md exists', () => {
    const paths = [...map.matchAll(/`([a-z]+\/[a-z0-9./-]+)`/g)].map(([, path]) => path as string);
    const rows = [...map.matchAll(/^\| `([^`]+)` \|.* `([^`]+)` \|$/gm)];
    const starts = rows.map(([, folder, file]) => join(folder as string, file as string));
    expect(starts.length).toBeGreaterThan(20);
    expect([...paths, ...starts].filter((path) => !existsSync(resolve(REPO, path)))).toEqual([]);
  });

  it('every test and source that a page names exists, with or without its ending', () => {
    const pages = readdirSync(resolve(REPO, 'docs')).filter((name) => name.endsWith('.md'));
    const texts = [...pages.map((name) => join('docs', name)), 'README.md', 'CONTRIBUTING.md'];
    const named =
      /`((?:cli|coordinator|launch|shared|tools|worker|test\/(?:chaos|e2e|fuzz|ops|sim|unit))\/[\w./-]+)`/g;
    const paths = texts.flatMap((name) =>
      [...readFileSync(resolve(REPO, name), 'utf8').matchAll(named)].map(
        ([, path]) => path as string,
      ),
    );
    expect(paths.length).toBeGreaterThan(50);
    const isThere = (path: string) =>
      ['', '.ts', '.test.ts'].some((ending) => existsSync(resolve(REPO, path + ending)));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });
});
