/** @file Where a page gets its runs: one of this process with its past, and folders, also those that cannot be read. */
import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TimedEvent } from '../../../../shared/runs/events.ts';
import { LiveRun } from '../../../../tools/board/live-run.ts';
import { RunFolders } from '../../../../tools/board/run-folders.ts';
import type { LineOf } from '../../../../tools/board/run-view.ts';
import { runStatus } from '../../../support/board.ts';

const scratch = () => mkdtempSync(join(tmpdir(), 'tessera-board-'));
const lineOf: LineOf = (event) =>
  event.type === 'worker' ? { mood: 'plain', text: `${event.worker} ${event.what}` } : undefined;
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

function step(number: number, minute: number): TimedEvent {
  const timings = {
    ...{ wallMs: 1, pullMs: 1, fetchMs: 1, computeMs: 1, pushMs: 1, idleMs: 1, sumMs: 1 },
    ...{ optimizerMs: 1, coordinatorBusyMs: 1 },
  };
  return {
    ...{ type: 'step', time: at(minute), step: number, epoch: 1, loss: 1, accuracy: 0 },
    ...{ learningRate: 1, gradientNorm: 1, imagesPerSecond: 1, timings },
  };
}

function worker(name: string, what: 'joined' | 'lost', minute: number): TimedEvent {
  return {
    type: 'worker',
    time: at(minute),
    worker: name,
    what,
    reason: 'x',
    workers: 1,
    leaves: 2,
  };
}

/** A run folder with these records. */
function runFolder(events: readonly TimedEvent[], name = 'run'): string {
  const folder = join(scratch(), name);
  mkdirSync(folder);
  const lines = events.map((event) => `${JSON.stringify(event)}\n`);
  writeFileSync(join(folder, 'metrics.jsonl'), `no record\n${lines.join('')}`);
  return folder;
}

it('a resumed run has its past before what this process does, each once, and counts the present alone', async () => {
  const past = [
    worker('old', 'joined', 1),
    step(1, 2),
    step(2, 3),
    step(3, 4),
    worker('old', 'lost', 5),
  ];
  const present = [worker('new', 'joined', 10), step(3, 11)];
  // What this process does is in the file too.
  const folder = runFolder([...past, ...present]);
  const live = new LiveRun(lineOf);
  for (const event of present) live.event(event);
  const run = { runFolder: folder, resumed: {}, status: () => runStatus(), stop: async () => {} };
  await live.attach(run);
  live.event(step(4, 12));
  const [{ view } = { view: undefined }] = live.runs();
  expect(view?.lines.map(({ text }) => text)).toEqual(['old joined', 'old lost', 'new joined']);
  expect(view?.steps.decimate({ points: 10 }).step).toEqual([1, 2, 3, 4]);
  expect(view?.counts.workerEvents).toMatchObject({ joined: 1, lost: 0 });
  expect([view?.leavesLost, view?.counts.leavesLost]).toEqual([2, 0]);
});

it('a run whose past cannot be read shows what is now, and says so', async () => {
  const folder = runFolder([]);
  const live = new LiveRun(lineOf);
  live.event(step(7, 1));
  const run = { resumed: {}, status: () => runStatus(), stop: async () => {} };
  const attached = live.attach({ ...run, runFolder: join(folder, 'gone') });
  await expect(attached).rejects.toThrow(expect.objectContaining({ code: 'DATA_INVALID' }));
  expect(live.runs()[0]?.view.steps.lastStep).toBe(7);
});

it('folders of one name have different names on the page; one that grows is read again', async () => {
  const folders = [runFolder([step(1, 1)]), runFolder([step(1, 1), step(2, 2)])];
  const source = new RunFolders(folders, lineOf);
  await source.refresh();
  const found = () => source.runs().map(({ id, view }) => [id, view.steps.lastStep]);
  expect(found()).toEqual([
    ['run', 1],
    ['run (2)', 2],
  ]);
  appendFileSync(join(folders[0] as string, 'metrics.jsonl'), `${JSON.stringify(step(2, 2))}\n`);
  await source.refresh();
  // It was looked at a moment ago.
  expect(found()[0]).toEqual(['run', 1]);
});

it('a folder that cannot be read is named once, and the others are shown', async () => {
  const good = runFolder([step(1, 1)], 'good');
  const bad = join(scratch(), 'bad');
  mkdirSync(join(bad, 'metrics.jsonl'), { recursive: true });
  const faults: string[] = [];
  const source = new RunFolders([bad, good], lineOf, ({ sentence }) => faults.push(sentence));
  await source.refresh();
  await source.refresh();
  expect(source.runs().map(({ id }) => id)).toEqual(['good']);
  expect(faults).toEqual([expect.stringContaining(bad)]);
});

it('alarms stand until they are over, and a process that begins has none', async () => {
  const alarm = (state: 'raised' | 'over', minute: number): TimedEvent => ({
    ...{ type: 'alarm', time: at(minute), name: 'lossHigh', state, sentence: 'it is high' },
  });
  const read = async (events: readonly TimedEvent[]) => {
    const source = new RunFolders([runFolder(events)], lineOf);
    await source.refresh();
    return [...(source.runs()[0]?.view.alarms ?? [])];
  };
  const begins: TimedEvent = {
    ...{ type: 'data', time: at(3), sentence: '', classes: [], size: {} },
    found: { from: {}, leftOut: [], notes: [] },
  };
  expect(await read([alarm('raised', 1)])).toEqual([['lossHigh', 'it is high']]);
  expect(await read([alarm('raised', 1), alarm('over', 2)])).toEqual([]);
  expect(await read([alarm('raised', 1), begins])).toEqual([]);
});
