/** @file The doors of run folders, which may come from elsewhere: their metrics, configs and addresses. */

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { plotCurves } from '../../cli/plot/curves.ts';
import { showRun } from '../../cli/runs/runs.ts';
import { compareLines, endLines, listLines } from '../../cli/runs/runs-view.ts';
import { checkAddress, ownAddress } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { type IdentifiableSource, identifyData } from '../../shared/data/identity/identity.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { readBeginning } from '../../shared/runs/identity-file.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { hasSaved } from '../../shared/runs/metrics-file.ts';
import { lastStartedRun } from '../../shared/runs/reader/find.ts';
import { readMetrics } from '../../shared/runs/reader/metrics.ts';
import { readRuns } from '../../shared/runs/reader/read.ts';
import { readRecords } from '../../tools/downloads/download-record.ts';
import { refuseOtherData } from '../../worker/leaves/data-check.ts';
import { smallConfig } from '../support/config.ts';
import { mutated, noise } from './bytes.ts';
import { door } from './door.ts';
import { changed, changedText, json } from './json.ts';
import { quietly } from './quiet.ts';
import { scratchFolder } from './sandbox.ts';

const root = scratchFolder('runs');
const runs = join(root, 'runs');
const run = join(runs, 'one');
const other = join(runs, 'two');
for (const folder of [run, other]) mkdirSync(folder, { recursive: true });

const sha256 = 'ab'.repeat(32);
const time = '2026-01-02T03:04:05.678Z';
const about = { time, epoch: 0, loss: 1, accuracy: 0.5 };
const RECORDS: readonly object[] = [
  { type: 'step', ...about, step: 1, learningRate: 1, gradientNorm: 1, imagesPerSecond: 1 },
  { type: 'step', ...about, step: 2, learningRate: 1, gradientNorm: 1, imagesPerSecond: null },
  { type: 'evaluation', ...about, version: 1 },
  {
    type: 'checkpoint',
    ...{ time, step: 1, folder: 'x', bytes: 1, seconds: 1, parametersSha256: sha256 },
  },
  { type: 'phase', time, phase: 'training', reason: '' },
];
const record = fc
  .constantFrom(...RECORDS)
  .chain((one) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(JSON.stringify(one)) },
      { weight: 2, arbitrary: changedText(one, { changesMax: 1 }) },
      { weight: 1, arbitrary: mutated([Buffer.from(JSON.stringify(one))]).map(String) },
      { weight: 1, arbitrary: json.map((value) => JSON.stringify(value)) },
    ),
  );
const metrics = fc.array(record, { maxLength: 6 }).map((lines) => lines.join('\n'));
const configs = fc.oneof(
  {
    weight: 4,
    arbitrary: changed(smallConfig({}), { changesMax: 3 }).map((it) => JSON.stringify(it)),
  },
  { weight: 1, arbitrary: json.map((it) => JSON.stringify(it)) },
);

const ADDRESSES = ['127.0.0.1:50051\n', '[::1]:1', '0.0.0.0:80'].map((text) => Buffer.from(text));
const DOWNLOADS = {
  schema: 'downloads/1',
  files: { a: { url: 'https://x/y', bytes: 1, sha256, firstSeen: time } },
};

/** A set of four samples, and what a coordinator or a run folder may say of its own. */
const own: IdentifiableSource = {
  classes: ['a', 'b'],
  size: { train: 3, test: 1 } as IdentifiableSource['size'],
  label: (_split, at) => at % 2,
  name: (split, at) => `${split}/${at}.jpg`,
  listedBytes: () => 1,
  read: async (split, index) => {
    const name = `${split}/${index}.jpg`;
    return { index, name, label: index % 2, raw: undefined, bytes: Uint8Array.of(index) };
  },
};
const BEGINNING = {
  schema: 'identity/1',
  ...{ id: sha256, samples: sha256, data: await identifyData(own, 1) },
};

export const folderDoors = [
  door({
    name: 'identities of data sets',
    numInputs: 100,
    inputs: fc.oneof(
      { weight: 4, arbitrary: changed(BEGINNING, { changesMax: 1 }) },
      { weight: 1, arbitrary: json },
    ),
    async enter(document) {
      writeFileSync(join(run, RUN_FILES.identity), JSON.stringify(document) ?? '');
      const begun = await readBeginning(run);
      const dataJson = JSON.stringify(Object(document).data) ?? '';
      const samples = async function* () {};
      await refuseOtherData(own, { seed: 1, dataJson, samples, place: '' });
      if (begun === undefined) throw new TesseraError('DATA_INVALID', 'it says nothing');
    },
    refusals: ['DATA_INVALID', 'MESSAGE_INVALID'],
    least: { accepted: 0.02, refused: 0.2 },
  }),
  door({
    name: 'metrics.jsonl',
    numInputs: 200,
    inputs: metrics,
    async enter(text) {
      writeFileSync(join(run, RUN_FILES.metrics), text);
      await hasSaved(run);
      const { damagedLines } = await readMetrics(run);
      if (damagedLines > 0) throw new TesseraError('DATA_INVALID', 'counted, and left out');
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
  door({
    name: 'runs as tables',
    numInputs: 50,
    inputs: fc.tuple(configs, metrics),
    async enter([config, text]) {
      for (const folder of [run, other]) {
        writeFileSync(join(folder, RUN_FILES.config), config);
        writeFileSync(join(folder, RUN_FILES.metrics), text);
        // Nobody is asked over the network; an address alone is another door.
        writeFileSync(join(folder, RUN_FILES.address), '');
      }
      const found = await readRuns(runs);
      listLines(found, Date.now());
      await quietly(() => showRun({ name: 'one', runsFolder: runs }));
      for (const one of found) endLines(one);
      compareLines(found);
    },
    refusals: ['DATA_INVALID', 'USAGE'],
    least: { accepted: 0.4, refused: 0.05 },
  }),
  door({
    name: 'curves of runs',
    numInputs: 6,
    inputs: metrics,
    async enter(text) {
      writeFileSync(join(run, RUN_FILES.config), '{}');
      writeFileSync(join(run, RUN_FILES.metrics), text);
      await quietly(() => plotCurves({ runs: [run], out: join(root, 'curves.svg') }));
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.1, refused: 0.1 },
  }),
  door({
    name: 'addresses',
    numInputs: 300,
    inputs: fc.oneof(
      { weight: 4, arbitrary: mutated(ADDRESSES, { changesMax: 1, headBytes: 20 }) },
      { weight: 1, arbitrary: noise },
    ),
    async enter(bytes) {
      writeFileSync(join(run, RUN_FILES.address), bytes);
      utimesSync(join(run, RUN_FILES.address), new Date(), new Date(Date.now() + 60_000));
      const address = await readTextFile(
        join(await lastStartedRun({ runsFolder: runs }), RUN_FILES.address),
      );
      checkAddress(ownAddress(address.trim()));
    },
    refusals: ['USAGE'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
  door({
    name: 'records of downloads',
    numInputs: 200,
    inputs: fc.oneof(
      { weight: 4, arbitrary: changedText(DOWNLOADS, { changesMax: 1 }) },
      { weight: 1, arbitrary: mutated([Buffer.from(JSON.stringify(DOWNLOADS))]).map(String) },
    ),
    async enter(text) {
      writeFileSync(join(run, 'downloads.json'), text);
      await readRecords(run);
    },
    refusals: ['DATA_INVALID'],
    least: { accepted: 0.2, refused: 0.2 },
  }),
];
