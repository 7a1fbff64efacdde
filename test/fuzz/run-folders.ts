/** @file The doors of folders that may come from elsewhere: of runs, of checkpoints, of downloads, of Hugging Face. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { readMetrics } from '../../cli/metrics.ts';
import { newestAddress } from '../../cli/run-folders.ts';
import {
  type CheckpointState,
  encodeState,
  readState,
} from '../../coordinator/checkpoint-state.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { readRecords } from '../../shared/host/download-record.ts';
import { checkAddress } from '../../shared/rpc/channel.ts';
import { readWeights } from '../../shared/weights/read.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-fuzz-run-'));
afterAll(() => rmSync(root, { recursive: true }));
const run = join(root, 'runs', 'one');
mkdirSync(run, { recursive: true });
const huggingFace = join(root, 'vit');
cpSync(resolve(import.meta.dirname, '../fixtures/weights/huggingface.f16'), huggingFace, {
  recursive: true,
});

const sha256 = 'ab'.repeat(32);
const file = { bytes: 10, crc32: 7 };
const STATE: CheckpointState = {
  step: 400,
  runFingerprint: sha256,
  identityJson: '{}',
  progress: { evaluation: undefined, best: undefined, seconds: 12.5 },
  parametersSha256: sha256,
  files: { model: file, optimizer: file },
};
const STATE_BYTES = encodeState(STATE);

/** JSON of any shape; a depth that breaks whoever walks it is tried in `once-broken.test.ts`. */
const json = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    -1,
    0.5,
    2 ** 53,
    '__proto__',
    null,
    [],
    {},
    JSON.parse('[[[[[[[[[[{}]]]]]]]]]]'),
  ),
);

/** The state with something else in it, whose own checksum holds. */
const signed = fc
  .tuple(fc.constantFrom('schema', 'step', 'progress', 'files', 'runFingerprint', 'x'), json)
  .map(([key, value]) => {
    const content: Record<string, unknown> = JSON.parse(Buffer.from(STATE_BYTES).toString());
    delete content['crc32'];
    const changed = { ...content, [key]: value };
    return Buffer.from(JSON.stringify({ ...changed, crc32: crc32(JSON.stringify(changed)) }));
  });

const time = '2026-01-02T03:04:05.678Z';
const METRICS = [
  {
    type: 'step',
    time,
    step: 1,
    epoch: 0,
    loss: 1,
    accuracy: null,
    learningRate: 1,
    gradientNorm: 1,
  },
  { type: 'evaluation', time, version: 1, epoch: 0, loss: 1, accuracy: 0.5 },
  { type: 'phase', time, phase: 'done', reason: '' },
].map((record) => JSON.stringify({ imagesPerSecond: 1, ...record }));
const metricsLine = fc.oneof(
  fc.constantFrom(...METRICS),
  mutated(METRICS.map((line) => Buffer.from(line))).map(String),
  json.map((value) => JSON.stringify(value)),
);

const RECORD = { url: 'https://x/y', bytes: 1, sha256, firstSeen: time };
const RECORDS = JSON.stringify({ schema: 'downloads/1', files: { a: RECORD, __proto__: RECORD } });
const CONFIG = readFileSync(join(huggingFace, 'config.json'));
const PIXELS = readFileSync(join(huggingFace, 'preprocessor_config.json'));

export const folderDoors = [
  door({
    name: 'state.json',
    numInputs: 400,
    inputs: fc.oneof(signed, mutated([STATE_BYTES], { changesMax: 2 }), fc.constant(STATE_BYTES)),
    async enter(bytes) {
      writeFileSync(join(run, 'state.json'), bytes);
      await readState(run);
    },
    refusals: ['CHECKPOINT_CORRUPT', 'CHECKPOINT_MISMATCH'],
  }),
  door({
    name: 'metrics.jsonl',
    numInputs: 200,
    inputs: fc.array(metricsLine, { maxLength: 6 }),
    async enter(lines) {
      writeFileSync(join(run, 'metrics.jsonl'), lines.join('\n'));
      const { damagedLines } = await readMetrics(run);
      if (damagedLines > 0) throw new TesseraError('DATA_INVALID', 'counted, and left out');
    },
    refusals: ['DATA_INVALID'],
  }),
  door({
    name: 'addresses',
    numInputs: 500,
    inputs: fc.oneof(
      mutated([Buffer.from('127.0.0.1:50051\n'), Buffer.from('[::1]:1')], { changesMax: 2 }),
      noise,
    ),
    async enter(bytes) {
      writeFileSync(join(run, 'address'), bytes);
      checkAddress(await newestAddress(join(root, 'runs')));
    },
    refusals: ['USAGE'],
  }),
  door({
    name: 'records of downloads',
    numInputs: 500,
    inputs: fc.oneof(
      mutated([Buffer.from(RECORDS)], { changesMax: 2 }),
      json.map((it) => Buffer.from(JSON.stringify(it))),
    ),
    async enter(bytes) {
      writeFileSync(join(run, 'downloads.json'), bytes);
      await readRecords(run);
    },
    refusals: ['DATA_INVALID'],
  }),
  door({
    name: 'Hugging Face folders',
    numInputs: 100,
    inputs: fc.tuple(mutated([CONFIG], { changesMax: 2 }), mutated([PIXELS], { changesMax: 1 })),
    async enter([config, pixels]) {
      writeFileSync(join(huggingFace, 'config.json'), config);
      writeFileSync(join(huggingFace, 'preprocessor_config.json'), pixels);
      await readWeights(huggingFace);
    },
    refusals: ['DATA_INVALID', 'CHECKPOINT_MISMATCH'],
  }),
];
