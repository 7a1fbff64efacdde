/** @file `tessera trace`: writes what the workers of a run did as Chrome trace JSON. */
import { basename, join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { nearPath } from '../../shared/files/near-path.ts';
import { readActivities } from '../../shared/runs/activity-files.ts';
import { readEvents } from '../../shared/runs/lines.ts';
import { findRun } from '../../shared/runs/reader/find.ts';
import { chromeTrace } from '../../tools/trace/chrome-trace.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { pointer, print, say } from '../terminal/output.ts';

/** Flags of `trace`. */
export interface TraceOptions {
  /** The newest unless given. */
  readonly run?: string;
  readonly steps?: { readonly from: number; readonly to: number };
  readonly out?: string;
}

/** Writes the trace of a run, and prints where. Throws  USAGE when there is no such run, or nothing to show of it. */
export async function runTrace({ run: name, steps, out }: TraceOptions): Promise<void> {
  const folder = await findRun(name, SAY_PASSED_OVER);
  const activities = await readActivities(folder);
  const events = await readEvents(folder, ['step', 'worker']);
  const run = basename(folder);
  const trace = chromeTrace({ run, activities, events, steps });
  const spans = trace.traceEvents.filter(({ ph }) => ph === 'X').length;
  if (spans === 0) {
    const what = steps === undefined ? '' : ` of steps ${steps.from} to ${steps.to}`;
    throw new TesseraError('USAGE', `${nearPath(folder)} has no records${what}`, {
      hint: 'a run keeps the newest of what its workers did; earlier versions kept none',
    });
  }
  const path = out ?? join(folder, 'trace.json');
  await writeFileAtomically(path, [Buffer.from(JSON.stringify(trace))]);
  say(pointer('spans', `${spans}; open it in https://ui.perfetto.dev`));
  print([nearPath(path)]);
}
