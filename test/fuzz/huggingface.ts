/** @file The doors of Hugging Face folders: what they say of a model, shards of its tensors, and where one is written. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { checkOutFolder } from '../../cli/export/out-folder.ts';
import { readWeights } from '../../shared/weights/files/read.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../shared/weights/formats/safetensors.ts';
import { EXPORT_MARK, HUGGING_FACE_LAYOUT } from '../../tools/export/library.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { changed, changedText } from './json.ts';
import { scratchFolder } from './sandbox.ts';

const fixture = resolve(import.meta.dirname, '../fixtures/weights/huggingface.f16');
const root = scratchFolder('huggingface');
const whole = join(root, 'whole');
cpSync(fixture, whole, { recursive: true });
const sharded = join(root, 'sharded');
mkdirSync(sharded);
const exported = join(root, 'exported');
mkdirSync(exported);

const jsonOf = (name: string): object => JSON.parse(readFileSync(join(fixture, name), 'utf8'));
/** A document that mostly is one. */
const text = (specimen: object) =>
  fc.oneof(
    { weight: 5, arbitrary: changedText(specimen).map((it) => Buffer.from(it)) },
    { weight: 1, arbitrary: mutated([Buffer.from(JSON.stringify(specimen))], { changesMax: 1 }) },
  );

/** The model in two files. */
const { tensors } = readSafetensors(readFileSync(join(fixture, 'model.safetensors')));
const all = [...tensors].map(([name, tensor]) => ({ name, ...tensor }) as NamedTensor);
const SHARDS = [all.slice(0, 9), all.slice(9)].map((part) =>
  Buffer.concat(encodeSafetensors(part)),
);
const fileOf = (part: number) => `model-0000${part + 1}-of-00002.safetensors`;
const INDEX = {
  metadata: { total_size: 1 },
  weight_map: Object.fromEntries(all.map(({ name }, at) => [name, fileOf(Number(at >= 9))])),
};

/** Where a shard may be said to lie. */
const elsewhere = fc.constantFrom(
  ...['../whole/model.safetensors', '/etc/passwd', '..', '.', '', './x', 'a\\b', 'a\u0000b'],
  ...['\u001b[2J.safetensors', 'none.safetensors', 'model.safetensors.index.json', fileOf(0)],
);
const index = fc
  .tuple(
    changed(INDEX, { changesMax: 1 }),
    fc.option(fc.tuple(fc.constantFrom(...all.map(({ name }) => name)), elsewhere), { freq: 2 }),
  )
  .map(([document, moved]) => {
    const { weight_map: map } = Object(document);
    if (moved !== null && typeof map === 'object' && map !== null) map[moved[0]] = moved[1];
    return Buffer.from(JSON.stringify(document) ?? '');
  });
const shards = fc.tuple(
  ...SHARDS.map((bytes) =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(bytes) },
      { weight: 1, arbitrary: mutated([bytes], { changesMax: 1, headBytes: 400 }) },
    ),
  ),
);

export const huggingFaceDoors = [
  door({
    name: 'Hugging Face folders',
    numInputs: 100,
    inputs: fc.tuple(text(jsonOf('config.json')), text(jsonOf('preprocessor_config.json'))),
    async enter([config, pixels]) {
      writeFileSync(join(whole, 'config.json'), config);
      writeFileSync(join(whole, 'preprocessor_config.json'), pixels);
      await readWeights(whole);
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
  door({
    name: 'indices of shards',
    numInputs: 100,
    inputs: fc.tuple(index, shards),
    async enter([document, parts]) {
      writeFileSync(join(sharded, 'model.safetensors.index.json'), document);
      for (const [part, bytes] of parts.entries())
        writeFileSync(join(sharded, fileOf(part)), bytes);
      await readWeights(sharded);
      // A tensor called `__proto__` is left out when the index is read.
      const { ['__proto__']: _, ...map } = JSON.parse(document.toString()).weight_map;
      const named: unknown[] = Object.values(map);
      const isInside = (name: unknown) => name === fileOf(0) || name === fileOf(1);
      if (!named.every(isInside)) throw new Error('tensors came from elsewhere');
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH'],
    least: { accepted: 0.15, refused: 0.3 },
  }),
  door({
    name: 'exports to write over',
    numInputs: 60,
    inputs: fc.tuple(
      text({ model_type: 'vit', ...EXPORT_MARK }),
      fc.array(fc.constantFrom('model.safetensors', 'thesis.tex', '.git'), { maxLength: 2 }),
    ),
    async enter([config, names]) {
      rmSync(exported, { recursive: true });
      mkdirSync(exported);
      for (const name of names) writeFileSync(join(exported, name), '');
      writeFileSync(join(exported, 'config.json'), config);
      await checkOutFolder(exported, HUGGING_FACE_LAYOUT);
      if (names.some((name) => name !== 'model.safetensors')) throw new Error('more would go');
    },
    refusals: ['CANNOT_WRITE'],
    least: { accepted: 0.1, refused: 0.3 },
  }),
];
