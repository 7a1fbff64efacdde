/** @file Notebooks run from their first cell to their last in the kernel of Deno, with the package and its workers. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, inject, it } from 'vitest';
import { cellsIn, hasKernel, makeNotebooks, runNotebook } from '../support/notebooks.ts';
import { runsAllProofs } from '../support/proofs.ts';

const LESSON = resolve(import.meta.dirname, '../../docs/lesson');
/** A chapter whose outputs are the same on every machine, and whose files need those of earlier chapters. */
const CHAPTER = '07-mlp.ipynb';

it.skipIf(!hasKernel || !runsAllProofs)(
  'a notebook trains with a worker, opens what it has trained, and predicts',
  async () => {
    const settings = [
      ...['data.source=idx', `data.path=${inject('smallDigits')}`, 'data.validation=none'],
      ...['training.epochs=1', 'training.schedule.warmupSteps=5', 'compute.threads=1'],
    ];
    const page = `# Train
\`\`\`js
// train.mjs
import { train } from 'tessera-train';
import { runsAllProofs } from '../support/proofs.ts';

const run = await train('quickstart', { workers: 1, set: ${JSON.stringify(settings)} });
const losses = [];
for await (const event of run) if (event.type === 'step') losses.push(event.loss);
export const { runFolder, testAccuracy } = await run.result;
console.log(losses.length, losses.every((loss) => loss > 0), testAccuracy > 0);
\`\`\`
\`\`\`js
// predict.mjs
import { openModel } from 'tessera-train';
import { runFolder } from './train.mjs';

const model = await openModel(runFolder);
const pixels = { data: new Uint8Array(28 * 28), width: 28, height: 28, channels: 1 };
const [{ guesses }] = await model.predict([pixels], { top: 3 });
console.log(guesses.length);
await model.close();
\`\`\`
\`\`\`sh
npx tessera version
\`\`\`
`;
    const printed = await runNotebook(makeNotebooks({ 'train.md': page }), 'train.ipynb');
    expect(printed[1]?.trim()).toMatch(/^\d+ true true$/);
    expect(printed[2]?.trim()).toBe('3');
    expect(printed.at(-1)).toMatch(/^tessera +0/);
  },
);

it.skipIf(!hasKernel || !existsSync(join(LESSON, CHAPTER.replace('.ipynb', '.md'))))(
  'a chapter of the lesson prints what its page says',
  async () => {
    const folder = makeNotebooks(LESSON);
    const cells = cellsIn(folder, CHAPTER);
    const printed = await runNotebook(folder, CHAPTER);
    const said = cells.map(({ outputs = [] }) => outputs.map(({ text }) => text).join(''));
    const withOutput = [...said.entries()].filter(([, text]) => text !== '');
    expect(withOutput.length).toBeGreaterThan(1);
    for (const [place, text] of withOutput) expect(words(printed[place])).toEqual(words(text));
  },
);

function words(text = ''): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
