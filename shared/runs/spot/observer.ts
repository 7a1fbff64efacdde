/** @file Keeps the spot arithmetic of a run: what earlier lives have recorded, then each event of this one. */
import { jsonRecord } from '../../core/text.ts';
import { type TimedEvent, timedEventSchema } from '../events.ts';
import { eachLine } from '../lines.ts';
import type { RunObserver } from '../observer.ts';
import { SpotAccount, type SpotReport } from '../spot.ts';

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
    // The reader of runs says what is wrong with the file.
    await eachLine(runFolder, (line) => this.#line(line)).catch(() => {});
  }

  #line(line: string | undefined): void {
    if (line === undefined || !TYPES.test(line)) return;
    const { success, data } = timedEventSchema.safeParse(jsonRecord(line));
    if (success) this.#account.add(data);
  }
}
