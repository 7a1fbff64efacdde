/** @file Reads the events of a run folder into what the page shows; steps by a short way, since there may be a million. */
import { jsonRecord } from '../../shared/core/text.ts';
import { timedEventSchema } from '../../shared/runs/events.ts';
import { eachLine } from '../../shared/runs/lines.ts';
import type { ShownLine } from '../../shared/runs/reader/log-lines.ts';
import { readCollected } from '../../shared/runs/reader/logs.ts';
import type { RunView } from './run-view.ts';
import { STEP_VALUES, type StepRow } from './step-columns.ts';

/** What of a run is its past: all, unless given. */
interface PastLimits {
  readonly lastStep?: number;
  /** For lines of workers, in milliseconds since 1970. */
  readonly untilMs?: number;
}

/** Reads steps, events, and lines of workers between them. Throws  DATA_INVALID as `eachLine`. */
export async function readPast(
  folder: string,
  view: RunView,
  { lastStep = Number.POSITIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY }: PastLimits = {},
): Promise<void> {
  // A page without them is better than none.
  const logged = await readCollected(folder).catch(() => []);
  const lines = logged.filter(({ timeMs }) => timeMs < untilMs);
  let shown = 0;
  const showBefore = (timeMs: number) => {
    for (; (lines[shown]?.timeMs ?? timeMs) < timeMs; shown += 1) {
      view.workerLine(lines[shown] as ShownLine);
    }
  };
  await eachLine(folder, (line) => takeLine(line, view, lastStep, showBefore));
  showBefore(Number.POSITIVE_INFINITY);
}

/** Takes one line; what is damaged is left out. */
function takeLine(
  line: string | undefined,
  view: RunView,
  lastStep: number,
  showBefore: (timeMs: number) => void,
): void {
  const record = line === undefined ? undefined : jsonRecord(line);
  if (record === undefined) return;
  if (record['type'] === 'step') {
    const row = rowOf(record);
    if (row !== undefined && row.step <= lastStep) view.step(row);
    return;
  }
  const { data } = timedEventSchema.safeParse(record);
  if (data === undefined || data.type === 'step') return;
  showBefore(Date.parse(data.time));
  view.event(data);
}

function rowOf(record: Readonly<Record<string, unknown>>): StepRow | undefined {
  const number = (name: string) => {
    const value = record[name];
    return typeof value === 'number' ? value : Number.NaN;
  };
  const [step, epoch] = [number('step'), number('epoch')];
  if (!Number.isSafeInteger(step) || step < 0) return undefined;
  const timeMs = Date.parse(String(record['time']));
  const values = Object.fromEntries(STEP_VALUES.map((name) => [name, number(name)]));
  return { ...(values as Omit<StepRow, 'step' | 'epoch' | 'timeMs'>), step, epoch, timeMs };
}
