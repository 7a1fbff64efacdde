/** @file The doors of checkpoints: a state that is signed but hostile, tensors of other shapes, damage anywhere. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { systemClock } from '../../shared/core/clock.ts';
import { sha256OfBytes } from '../../shared/files/digest.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { newestGoodCheckpoint } from '../../shared/runs/checkpoint/choose.ts';
import { readCheckpoint } from '../../shared/runs/checkpoint/read.ts';
import { readState } from '../../shared/runs/checkpoint/state.ts';
import { writeCheckpoint } from '../../shared/runs/checkpoint/write.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../shared/weights/formats/safetensors.ts';
import { smallConfig } from '../support/config.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { changed } from './json.ts';
import { MODEL } from './models.ts';
import { scratchFolder } from './sandbox.ts';

const run = scratchFolder('checkpoint');
const table = parameterTable(MODEL);
const parameters = Float32Array.from({ length: table.size }, (_, at) => at % 7);
const identityJson = '{"seed":1,"model":{"width":16}}';
const { folder } = await writeCheckpoint({
  ...{ runFolder: run, identityJson, clock: systemClock },
  store: {
    ...{ table, version: 400, parameters },
    state: { first: new Float32Array(table.size), second: new Float32Array(table.size) },
    sha256: () => sha256OfBytes(new Uint8Array(parameters.buffer)),
  },
  metadata: { model: MODEL, classes: ['a', 'b', 'c'], config: smallConfig({}) },
  progress: { evaluation: undefined, best: undefined, seconds: 12.5 },
});
const [MODEL_FILE, OPTIMIZER, STATE] = ['model.safetensors', 'optimizer.safetensors', 'state.json'];
const file = (name: string) => readFileSync(join(folder, name));
const GOOD = { model: file(MODEL_FILE), optimizer: file(OPTIMIZER), state: file(STATE) };

/** A state of which its own checksum holds, whatever it says. */
function signed(document: unknown): Buffer {
  const { crc32: _, ...content } = Object(document);
  return Buffer.from(JSON.stringify({ ...content, crc32: crc32(JSON.stringify(content)) }));
}
const STATE_JSON = JSON.parse(GOOD.state.toString());
/** What a run is known by, in a state; its hash is not that of this run. */
const identities = fc
  .constantFrom('', '{', 'null', '[]', '{"seed":2}', '{"\\u001b[2J":1}', '['.repeat(9000), '{}')
  .map((text) => ({ ...STATE_JSON, identityJson: text, runFingerprint: 'ab'.repeat(32) }));
const states = fc.oneof(
  { weight: 4, arbitrary: changed(STATE_JSON, { changesMax: 1 }).map(signed) },
  { weight: 1, arbitrary: identities.map(signed) },
  { weight: 1, arbitrary: changed(STATE_JSON).map((it) => Buffer.from(JSON.stringify(it))) },
  { weight: 1, arbitrary: mutated([GOOD.state], { changesMax: 2 }) },
);

/** A file of tensors with one of them changed. */
function tensorFiles(bytes: Buffer): fc.Arbitrary<Buffer> {
  const { tensors, metadata } = readSafetensors(bytes);
  const all = [...tensors].map(([name, tensor]) => ({ name, ...tensor }) as NamedTensor);
  const change = fc.tuple(fc.constantFrom(...all.keys()), fc.nat(3)).map(([at, kind]) => {
    const tensor = all[at] as NamedTensor;
    if (kind === 0) return all.toSpliced(at, 1);
    if (kind === 1) return all.with(at, { ...tensor, shape: [...tensor.shape, 1] });
    if (kind === 2) return [...all, { ...tensor, name: '\u001b[2J' }];
    const half = { dtype: 'F16' as const, bytes: tensor.bytes.subarray(tensor.bytes.length / 2) };
    return all.with(at, { ...tensor, ...half });
  });
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(bytes) },
    { weight: 2, arbitrary: change.map((it) => Buffer.concat(encodeSafetensors(it, metadata))) },
    { weight: 1, arbitrary: mutated([bytes], { changesMax: 1 }) },
  );
}

/** The good one with a value of the moments or the weights changed. */
function flipped(place: number): typeof GOOD {
  const name = place % 2 === 0 ? 'optimizer' : 'model';
  const bytes = Buffer.from(GOOD[name]);
  bytes[bytes.length - place] = (bytes[bytes.length - place] ?? 0) ^ 1;
  return { ...GOOD, [name]: bytes };
}

/** A checkpoint whose state mostly fits its files. */
const whole = fc
  .tuple(tensorFiles(GOOD.model), tensorFiles(GOOD.optimizer), fc.nat(9), states)
  .map(([model, optimizer, luck, state]) => {
    const about = (bytes: Buffer) => ({ bytes: bytes.length, crc32: crc32(bytes) });
    const files = { model: about(model), optimizer: about(optimizer) };
    if (luck < 6) return { model, optimizer, state: signed({ ...STATE_JSON, files }) };
    return luck < 8 ? flipped(luck) : { model, optimizer, state };
  });

export const checkpointDoors = [
  door({
    name: 'state.json',
    numInputs: 300,
    inputs: states,
    async enter(bytes) {
      writeFileSync(join(folder, STATE), bytes);
      await readState(folder);
      const { crc32: noted, ...content } = JSON.parse(bytes.toString());
      if (crc32(JSON.stringify(content)) !== noted) throw new Error('its checksum does not hold');
    },
    refusals: ['CHECKPOINT_CORRUPT', 'CHECKPOINT_MISMATCH'],
    least: { accepted: 0.3, refused: 0.15 },
  }),
  door({
    name: 'checkpoints',
    numInputs: 100,
    inputs: whole,
    async enter({ model, optimizer, state }) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, MODEL_FILE), model);
      writeFileSync(join(folder, OPTIMIZER), optimizer);
      writeFileSync(join(folder, STATE), state);
      const expected = { table, identityJson };
      // A damaged one is passed over when a run goes on, and is no reason not to.
      await newestGoodCheckpoint(run, expected).catch(refusedAsAnothers);
      const loaded = await readCheckpoint(folder, expected);
      const hash = await sha256OfBytes(loaded.parameters);
      const { files, parametersSha256 } = JSON.parse(state.toString());
      const isAsNoted = crc32(optimizer) === files.optimizer.crc32 && hash === parametersSha256;
      if (!isAsNoted) throw new Error('other values came than were saved');
      if (readdirSync(folder).length !== 3) throw new Error('more was written');
    },
    refusals: ['CHECKPOINT_CORRUPT', 'CHECKPOINT_MISMATCH', 'NON_FINITE'],
    least: { accepted: 0.3, refused: 0.2 },
  }),
];

function refusedAsAnothers(error: unknown): void {
  const { code } = Object(error);
  if (code !== 'CHECKPOINT_MISMATCH' && code !== 'NON_FINITE') throw error;
}
