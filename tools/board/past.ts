/** @file Reads the events of a run folder into what the page shows; steps by a short way, since there may be a million. */
import { jsonRecord } from '../../shared/core/text.ts';
import { timedEventSchema } from '../../shared/runs/events.ts';
import { eachLine } from '../../shared/runs/lines.ts';
import type { ShownLine } from '../../shared/runs/reader/log-lines.ts';
import { readCollected } from '../../shared/runs/reader/logs.ts';
import type { RunView } from './run-view.ts';
import type { StepRow } from './step-columns.ts';

/**
 * Reads what happened before a time, an ISO 8601 one: steps, events, and lines of workers between them. Throws  DATA_INVALID
 * as `eachLine`.
 */
export async function readPast(folder: string, view: RunView, before?: string): Promise<void> {
  const beforeMs = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
  // A page without them is better than none.
  const logged = await readCollected(folder).catch(() => []);
  const lines = logged.filter(({ timeMs }) => timeMs < beforeMs);
  let shown = 0;
  const showBefore = (timeMs: number) => {
    for (; (lines[shown]?.timeMs ?? timeMs) < timeMs; shown += 1) {
      view.workerLine(lines[shown] as ShownLine);
    }
  };
  await eachLine(folder, (line) => takeLine(line, view, beforeMs, showBefore));
  showBefore(Number.POSITIVE_INFINITY);
}

/** Takes one line; what is damaged is left out. */
function takeLine(
  line: string | undefined,
  view: RunView,
  beforeMs: number,
  showBefore: (timeMs: number) => void,
): void {
  const record = line === undefined ? undefined : jsonRecord(line);
  if (record === undefined) return;
  const timeMs = Date.parse(String(record['time']));
  if (timeMs >= beforeMs) return;
  if (record['type'] === 'step') {
    const row = rowOf(record, timeMs);
    if (row !== undefined) view.step(row);
    return;
  }
  const { data } = timedEventSchema.safeParse(record);
  if (data === undefined || data.type === 'step') return;
  showBefore(timeMs);
  view.past(data);
}

function rowOf(record: Readonly<Record<string, unknown>>, timeMs: number): StepRow | undefined {
  const [step, epoch] = [numberOf(record['step']), numberOf(record['epoch'])];
  if (!Number.isSafeInteger(step) || step < 0) return undefined;
  return {
    step,
    epoch,
    timeMs,
    loss: numberOf(record['loss']),
    accuracy: numberOf(record['accuracy']),
    learningRate: numberOf(record['learningRate']),
    gradientNorm: numberOf(record['gradientNorm']),
    imagesPerSecond: numberOf(record['imagesPerSecond']),
  };
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : Number.NaN);
