/** @file A program that trains: argv has index.js of the build and a folder for its runs. */
import { join } from 'node:path';

const [, , index, folder] = process.argv;
const { train, TesseraError } = await import(index);

const SIDE = 8;
const dataSource = {
  classes: ['dark', 'light'],
  size: { train: 64, validation: 0, test: 16 },
  found: { from: {}, leftOut: [], notes: [] },
  label: (_split, index) => index % 2,
  name: (split, index) => `${split}#${index}`,
  listedBytes: () => SIDE * SIDE,
  bytes: async () => 0,
  read: async (split, index) => ({
    ...{ index, label: index % 2, name: `${split}#${index}` },
    raw: { height: SIDE, width: SIDE, channels: 1 },
    bytes: new Uint8Array(SIDE * SIDE).fill(index % 2 === 0 ? 20 : 200),
  }),
};
const config = {
  name: 'shades',
  data: { source: 'program', channels: 1 },
  model: { imageSize: SIDE, patchSize: 4, width: 16, depth: 1, heads: 2, mlpWidth: 32 },
  training: { epochs: 2, batchSize: 16, microBatch: 8, optimizer: { learningRate: 0.01 } },
};
const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);

const before = listeners();
const observed = [];
const notices = [];
const first = await train(config, {
  ...{ workers: 1, dataSource, runFolder: join(folder, 'first') },
  observers: [{ name: 'mine', event: ({ type }) => void observed.push(type) }],
  onNotice: (notice) => notices.push(notice),
});
const read = [];
for await (const { type } of first) read.push(type);
const result = await first.result;

// Nobody reads its events, and it is stopped.
const second = await train(config, {
  ...{ workers: 1, dataSource, runFolder: join(folder, 'second') },
  set: ['training.epochs=1000'],
});
for await (const { type } of second) if (type === 'step') break;
await second.stop();
const stopped = await second.result.catch((error) => error);

const resume = join(folder, 'second');
const third = await train(undefined, { workers: 1, dataSource, resume });
let resumedAt = 0;
for await (const event of third) {
  if (event.type === 'step') resumedAt = event.step;
  if (resumedAt > 0) break;
}
await third.stop();

const facts = {
  ...{ read, observed, notices, result },
  isClean: JSON.stringify(before) === JSON.stringify(listeners()),
  stopped: [stopped instanceof TesseraError, stopped.code],
  resumedFrom: third.resumed?.step,
  resumedAt,
};
process.stdout.write(JSON.stringify(facts));
