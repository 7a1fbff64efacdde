/** @file A page becomes a notebook: prose, files and commands each become what a kernel has for them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellsIn, makeNotebooks } from '../support/notebooks.ts';

const FIRST = `# 1. Double

\`\`\`js
// double.mjs
import { tf } from 'tessera-train/model';

export function double(x) {
  return 2 * x;
}
\`\`\`
[Next: use it](2-use.md)
`;
const SECOND = `# 2. Use it

\`\`\`js
// use.mjs
import { double } from './double.mjs';

const [x = 21] = process.argv.slice(2);
console.log(double(x));
\`\`\`
\`\`\`sh
node use.mjs
\`\`\`
\`\`\`text
42
\`\`\`
<!-- lesson: photos -->
\`\`\`sh
npx tessera plot batch quickstart \\
  --out batch.png
node -p "const a = 1; a + 1"
\`\`\`
![digits](pictures/batch.png) [data](../data.md), [source](../../index.ts)

Save as \`points.csv\`:
\`\`\`csv
epoch,loss
1,0.5
\`\`\`
\`\`\`math
E = mc^2
\`\`\`
\`\`\`sh
npm install tessera-train
\`\`\`
`;

describe('a page as a notebook', () => {
  const folder = makeNotebooks({ '1-double.md': FIRST, '2-use.md': SECOND });
  const [title, ...rest] = cellsIn(folder, '2-use.ipynb');
  const sources = rest.map(({ source }) => source);

  it('has its files as cells, whose exports are there for later cells', () => {
    const [, cell, next] = cellsIn(folder, '1-double.ipynb');
    expect(cell?.cell_type).toBe('code');
    expect(cell?.source).toMatch(/^\/\/ double.mjs\nimport .*\n\nfunction double\(x\)/);
    expect(next?.source).toBe('[Next: use it](2-use.ipynb)');
  });

  it('begins with what it uses of earlier pages, and says what a file printed', () => {
    expect(title?.source).toBe('# 2. Use it');
    expect(sources[0]).toMatch(/^\/\/ double.mjs/);
    expect(sources[1]).toBe('// use.mjs\n\nconst [x = 21] = [];\nconsole.log(double(x));');
    expect(rest[1]?.outputs).toEqual([{ output_type: 'stream', name: 'stdout', text: '42' }]);
  });

  it('has a cell for each command, and the pictures where commands write them', () => {
    expect(sources[2]).toMatch(/const sh = /);
    expect(sources[3]).toBe('await sh("npx tessera plot batch quickstart --out batch.png");');
    expect(sources[4]).toBe('{\n  const a = 1;\n  console.log(a + 1);\n}');
    expect(sources[5]).toEqual(expect.stringContaining('![digits](batch.png) [data](https://'));
  });

  it('lies beside its files, which are programs too, and leads out of the lesson to the repository', () => {
    expect(readFileSync(join(folder, 'double.mjs'), 'utf8')).toMatch(/^\/\/ double.mjs\n/);
    expect(sources[5]).toMatch(/\(https:\S+\/docs\/data\.md\), .*\(https:\S+\/main\/index\.ts\)/);
  });

  it('saves data, shows formulas, and leaves the install to the reader', () => {
    expect(sources[6]).toContain('writeFileSync(\'points.csv\', [\n  "epoch,loss",\n');
    expect(sources[7]).toBe('$$\nE = mc^2\n$$');
    expect(sources[8]).toBe('```sh\nnpm install tessera-train\n```');
    expect(rest[8]?.cell_type).toBe('markdown');
  });
});

it('a page that uses a file which no page has is refused by name', () => {
  const page = SECOND.replace('./double.mjs', './triple.mjs');
  expect(() => makeNotebooks({ 'use.md': page })).toThrow(/no page before this one has triple.mjs/);
});
