/** @file Keeps the spot arithmetic of a run: what earlier lives have recorded, then each event of this one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BoundedLines } from '../core/lines.ts';
import { jsonRecord } from '../core/text.ts';
import { streamRegularFile } from '../files/regular-file.ts';
import { type TimedEvent, timedEventSchema } from './events.ts';
import { RUN_FILES } from './layout.ts';
import { LINE_BYTES_MAX } from './metrics-file.ts';
import type { RunObserver } from './observer.ts';
import { SpotAccount, type SpotReport } from './spot.ts';

/** Two million steps take this much. */
const FILE_BYTES_MAX = 512 * 1024 ** 2;
const PIECE_BYTES = 1024 ** 2;
/** Records that cost or lose nothing. */
const TYPES = /"type":"(?:data|step|worker|phase)"/;

/** The account of a run that is being trained. */
export class SpotObserver implements RunObserver {
  readonly name = 'spot arithmetic';
  readonly #account: SpotAccount;

  constructor(batchSize: number) {
    this.#account = new SpotAccount(batchSize);
  }

  event(event: TimedEvent): void {
    this.#account.add(event);
  }

  /** What it comes to now. */
  report(): SpotReport {
    return this.#account.report(Date.now());
  }

  /** Takes what earlier lives of a run have recorded. What cannot be read counts as nothing: it is a report for people. */
  async readEarlier(runFolder: string): Promise<void> {
    const path = join(runFolder, RUN_FILES.metrics);
    if (!existsSync(path)) return;
    const lines = new BoundedLines(LINE_BYTES_MAX);
    try {
      const how = { bytesMax: FILE_BYTES_MAX, highWaterMark: PIECE_BYTES };
      for await (const piece of await streamRegularFile(path, how)) {
        for (const line of lines.add(piece)) this.#line(line);
      }
      for (const line of lines.end()) this.#line(line);
    } catch {
      // The reader of runs says what is wrong with the file.
    }
  }

  #line(line: string | undefined): void {
    if (line === undefined || !TYPES.test(line)) return;
    const { success, data } = timedEventSchema.safeParse(jsonRecord(line));
    if (success) this.#account.add(data);
  }
}
