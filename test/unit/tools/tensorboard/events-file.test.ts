/** @file The file for TensorBoard on disks that are slow, full for a while, or gone; and checksums, names, beginnings. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deferred } from '../../../../shared/core/async.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import { Observers } from '../../../../shared/runs/observer.ts';
import { crc32c } from '../../../../tools/tensorboard/crc32c.ts';
import { EventsFile, newEventsFile } from '../../../../tools/tensorboard/events-file.ts';
import { TensorBoard } from '../../../../tools/tensorboard/tensorboard.ts';
import { scratchFolder } from '../../../support/cluster.ts';
import {
  dataEvent,
  eventAt,
  MemorySink,
  smallConfig,
  stepOf,
} from '../../../support/tensorboard.ts';

const scratch = scratchFolder();
const of = { extent: 'figures', config: smallConfig(), configText: '' } as const;
const text = (words: string) => Buffer.from(words);

it('has the checksums of RFC 3720, also over pieces', () => {
  expect(crc32c([text('123456789')])).toBe(0xe306_9283);
  expect(crc32c([text('1234'), text(''), text('56789')])).toBe(0xe306_9283);
  expect(crc32c([new Uint8Array(32)])).toBe(0x8a91_36aa);
});

it('writes what a disk did not take once it takes it, at its place', async () => {
  const sink = new MemorySink();
  let failures = 2;
  const file = new EventsFile(async () => ({
    async write(bytes, position) {
      // Half of it is there by then.
      await sink.write(bytes.subarray(0, bytes.length / 2), position);
      failures -= 1;
      if (failures >= 0) throw new Error('no room');
      await sink.write(bytes, position);
    },
    close: () => sink.close(),
  }));
  file.add(text('one '));
  await file.flush();
  expect(file.error).toEqual(new Error('no room'));
  file.add(text('two '));
  await file.flush();
  await file.flush();
  expect(file.error).toBeUndefined();
  file.add(text('three'));
  await file.close();
  expect([String(sink.bytes), sink.isClosed]).toEqual(['one two three', true]);
});

it('keeps so much for a disk that takes nothing, and says at the end what is lost', async () => {
  const file = new EventsFile(async () => {
    throw new Error('read-only');
  });
  for (let at = 0; at < 40; at += 1) file.add(new Uint8Array(1024 ** 2));
  await expect(file.close()).rejects.toMatchObject({
    code: 'CANNOT_WRITE',
    sentence: '40 records for TensorBoard were not written',
  });
});

it('holds no event up while the disk is slow, and one that fails is said once', async () => {
  const slow = deferred<void>();
  const slowSink = { write: () => slow.promise, close: async () => {} };
  const board = new TensorBoard({ ...of, runFolder: 'r', opened: async () => slowSink });
  for (let step = 1; step <= 3; step += 1)
    expect(board.event(eventAt(step, stepOf(step)))).toBe(undefined);
  const closing = board.close();
  slow.resolve();
  await closing;
  const said: Record<string, unknown>[] = [];
  const log = createLog({
    component: 'test',
    destination: { write: (line) => said.push(JSON.parse(line)) },
  });
  const gone = new TensorBoard({ ...of, runFolder: join(scratch, 'not-there') });
  const observers = new Observers([gone], log);
  for (let step = 1; step <= 3; step += 1) observers.emit(eventAt(step, stepOf(step)));
  await observers.close();
  expect(said).toMatchObject([{ observer: 'TensorBoard', err: { code: 'CANNOT_WRITE' } }]);
});

it('has a name behind those of earlier files, whatever the clock says', async () => {
  const folder = join(scratch, 'names');
  mkdirSync(folder);
  writeFileSync(join(folder, 'events.out.tfevents.4000000000.host.1.0'), '');
  const sink = await newEventsFile(folder);
  await sink.write(text('new'), 0);
  await sink.close();
  const names = readdirSync(folder).sort();
  expect(names[1]).toMatch(/^events\.out\.tfevents\.4000000001\.[\w.-]+\.\d+\.0$/);
  expect(readFileSync(join(folder, names[1]!), 'utf8')).toBe('new');
});

it('is not made by a run of which nothing was left to do', async () => {
  const folder = join(scratch, 'done');
  mkdirSync(folder);
  const board = new TensorBoard({ ...of, runFolder: folder });
  board.event(eventAt(0, dataEvent(60)));
  board.event(eventAt(1, { type: 'phase', phase: 'done', reason: '' }));
  await board.close();
  expect(readdirSync(folder)).toEqual([]);
});
