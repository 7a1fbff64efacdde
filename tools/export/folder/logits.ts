/** @file `node --test`: the logits of the pictures in samples/ are those that the run had for them when it was exported. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openModel } from './predict.ts';

test('the logits are those of the run', async () => {
  const text = await readFile(new URL('samples/logits.json', import.meta.url), 'utf8');
  const samples: [name: string, logits: number[]][] = JSON.parse(text);
  const model = await openModel();
  const paths = samples.map(([name]) => new URL(`samples/${name}`, import.meta.url));
  const rows = await model.logits(paths);
  for (const [at, [name, logits]] of samples.entries()) {
    const distances = logits.map((value, place) =>
      Math.abs(value - (rows[at]?.[place] ?? Number.NaN)),
    );
    assert.ok(Math.max(...distances) < 1e-4, `${name}: ${Math.max(...distances)}`);
  }
  await model.close();
});
