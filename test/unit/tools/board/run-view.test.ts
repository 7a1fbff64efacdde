/** @file Lines of workers on the page: of a run that goes on, and of its past. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { TimedEvent } from '../../../../shared/runs/events.ts';
import { WorkerLogFile } from '../../../../shared/runs/worker-log-file.ts';
import { readPast } from '../../../../tools/board/past.ts';
import { RunView } from '../../../../tools/board/run-view.ts';

const timeOf = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const stall = (second: number): TimedEvent => ({
  ...{ type: 'stall', time: timeOf(second), seconds: 1, sentence: `stall ${second}` },
});
const logged = (second: number, level: 'warn' | 'fatal' = 'warn'): TimedEvent => ({
  ...{ type: 'workerLog', time: timeOf(second), worker: 'far', host: 'b', level },
  ...{ text: `line ${second}`, ageMs: 0 },
});
const view = () =>
  new RunView((event) =>
    event.type === 'stall' ? { mood: 'warning', text: event.sentence } : undefined,
  );

it('stand there with the name of their worker, as bad as they are, at the time when they were written', () => {
  const shown = view();
  shown.event({ ...logged(5), ageMs: 2_000 } as TimedEvent);
  shown.event(logged(6, 'fatal'));
  expect(shown.lines).toMatchObject([
    { text: 'worker/far line 5', mood: 'warning', time: timeOf(3) },
    { text: 'worker/far line 6', mood: 'bad' },
  ]);
});

it('stand between the events of the past, up to where the present begins', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-past-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'logs'));
  writeFileSync(
    join(folder, 'metrics.jsonl'),
    [stall(2), stall(4)].map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
  const file = new WorkerLogFile(folder);
  for (const second of [1, 3, 5, 6]) file.event(logged(second));
  await file.close();
  const [all, some] = [view(), view()];
  await readPast(folder, all);
  await readPast(folder, some, timeOf(6));
  const texts = ({ lines }: RunView) => lines.map(({ text }) => text.replace('worker/far ', ''));
  const before = ['line 1', 'stall 2', 'line 3', 'stall 4', 'line 5'];
  expect([texts(all), texts(some)]).toEqual([[...before, 'line 6'], before]);
});
