/**
 * @file Every block of code in docs/lesson runs in an empty folder against the packed package, and prints what its page
 * says. `npm run lesson` runs what takes long, too; `LESSON=write npm run lesson` replaces outputs and pictures.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { scratchFolder, WatchedProcess } from '../support/cluster.ts';
import { LESSON, readPages } from '../support/lesson/pages.ts';
import { Reader, withOutputs } from '../support/lesson/reader.ts';

const { LESSON: mode } = process.env;
const isWriting = mode === 'write';
/** Trainings are read too, by a machine that may be busy. */
const TIMEOUT_MS = mode === undefined ? 300_000 : 3_600_000;
/** Chapters that `npm test` does; `npm run lesson` does all. */
const SHORT = /^(02-|05|06|07|11)/;
const pages = readPages();
const reader = new Reader(join(scratchFolder(), 'vit-lesson'), inject('packedModules'), {
  isWhole: mode !== undefined,
  isWriting,
});

afterAll(() => {
  for (const why of reader.passedOver)
    process.stderr.write(`skipped: blocks of the lesson, ${why}\n`);
});

describe('the lesson', () => {
  it.each(pages.filter(({ name }) => mode !== undefined || SHORT.test(name)))(
    '$name: its commands run and print what it says',
    async (page) => {
      const { faults, printed } = await reader.read(page, pages.slice(0, pages.indexOf(page)));
      expect(faults).toEqual([]);
      if (!isWriting) return;
      writeFileSync(join(LESSON, page.name), withOutputs(page, printed));
      reader.takePictures(page);
    },
    TIMEOUT_MS,
  );

  it('its code is correct by TypeScript in its strictest form', async () => {
    const options = ['--allowJs', '--checkJs', '--strict', '--noEmit', '--skipLibCheck'];
    const target = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    reader.type(pages);
    const files = pages.flatMap(({ blocks }) =>
      blocks.flatMap((block) => (block.kind === 'file' ? [block.name] : [])),
    );
    const modules = new Set(files.filter((name) => name.endsWith('.mjs')));
    const tsc = [process.execPath, join(inject('packedModules'), 'typescript/bin/tsc')];
    const command = [...tsc, ...options, ...target, ...modules];
    const { code, stdout } = await new WatchedProcess(command, { cwd: reader.folder }).ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});

describe('its pages', () => {
  const chapters = pages.filter(({ name }) => /^\d\d-/.test(name));

  it('are twelve chapters of at most 200 lines, and an index that leads to each', () => {
    expect(chapters).toHaveLength(12);
    const index = readFileSync(join(LESSON, 'README.md'), 'utf8');
    for (const { name, text } of chapters) {
      expect(text.split('\n').length, name).toBeLessThanOrEqual(201);
      expect(index).toContain(`](${name})`);
      expect(text).toMatch(/^## What you can do now$/m);
    }
  });

  it('show pictures that are there, each made by a command of the same page', () => {
    for (const { name, text, pictures } of pages) {
      for (const picture of pictures) {
        expect(existsSync(join(LESSON, 'pictures', picture)), `${name}: ${picture}`).toBe(true);
        expect(text, `${name}: ${picture}`).toContain(`--out ${picture}`);
      }
    }
  });
});
