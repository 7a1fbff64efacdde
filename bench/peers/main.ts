/**
 * @file Comparisons with others, by name: `node dist/bench/peers/main.js --python PATH step ddp photos`. Progress goes
 * to stderr, results to stdout as JSON. `npm run bench -- --only peers` calls it.
 */
import { parseArgs } from 'node:util';
import { benchDdp } from './ddp.ts';
import { benchInput } from './input.ts';
import { benchPhotos } from './photos.ts';
import { benchStep } from './step.ts';
import { findTorch } from './torch.ts';

const COMPARISONS: Readonly<Record<string, (python: string) => Promise<object>>> = {
  step: benchStep,
  ddp: benchDdp,
  photos: benchPhotos,
  input: benchInput,
};

const { values, positionals } = parseArgs({
  options: { python: { type: 'string', default: 'python3' } },
  allowPositionals: true,
});
const torch = await findTorch(values.python);
console.error(`  ${torch.title}`);
const results: Record<string, object> = { torch };
for (const name of torch.version === undefined ? [] : positionals) {
  const compare = COMPARISONS[name];
  if (compare === undefined) throw new Error(`no comparison "${name}"`);
  console.error(`  ${name} ...`);
  results[name] = await compare(values.python);
}
console.log(JSON.stringify(results));
