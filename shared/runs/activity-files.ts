/** @file RUN/activity: what the workers did lately, in a ring of files that a trace is made of. */
import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonRecord } from '../core/text.ts';
import { readTextFile } from '../files/regular-file.ts';
import type { TimedActivity } from './activity.ts';
import { count, figure } from './events.ts';
import { SoonWriter } from './later/soon-writer.ts';
import { ACTIVITY_FOLDER } from './layout.ts';
import type { RunObserver } from './observer.ts';

/** A file is closed when it is this large, and the oldest are deleted: 32 MiB a run, some 200,000 records. */
const FILE_BYTES = 8 * 1024 ** 2;
const FILES = 4;
/** Records are written together. */
const WRITE_MS = 1000;
/** Records that wait for a slow disk; more are dropped. */
const WAITING_CHARS_MAX = 4 * 1024 ** 2;
/** A file is a burst longer at most. */
const READ_BYTES_MAX = FILE_BYTES + 2 * WAITING_CHARS_MAX;
const NAME = /^\d{6}\.jsonl$/;

const range = { first: count, count };
const place = {
  atMs: z.number(),
  worker: z.string(),
  kind: z.enum(['train', 'validate', 'test']),
  step: count,
};
const timings = z.object({
  pullMs: figure,
  fetchMs: figure,
  computeMs: figure,
  pushMs: figure,
  idleMs: figure,
});
const schema = z.discriminatedUnion('type', [
  z.object({
    ...{ type: z.literal('assigned'), ...place },
    ranges: z.array(z.object(range)).readonly(),
    reason: z.string(),
  }),
  z.object({ type: z.literal('delivered'), ...place, ...range, samples: count, timings }),
]) satisfies z.ZodType<TimedActivity>;

/** Keeps the newest activities of a run in its folder. What cannot be written is left out. */
export class ActivityFiles implements RunObserver {
  readonly name = ACTIVITY_FOLDER;
  readonly #folder: string;
  #waiting: string[] = [];
  #waitingChars = 0;
  readonly #writer = new SoonWriter(WRITE_MS, () => this.#write());
  /** Number and bytes of the file that is written; a new life of a run begins a new file. */
  #file: { readonly number: number; bytes: number } | undefined;

  constructor(runFolder: string) {
    this.#folder = join(runFolder, ACTIVITY_FOLDER);
  }

  event(): void {}

  activity(activity: TimedActivity): void {
    if (this.#waitingChars > WAITING_CHARS_MAX) return;
    const line = `${JSON.stringify(activity)}\n`;
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    this.#writer.soon();
  }

  async close(): Promise<void> {
    await this.#writer.now();
  }

  async #write(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingChars = 0;
    if (text === '') return;
    this.#file ??= await this.#firstFile();
    if (this.#file.bytes > FILE_BYTES) this.#file = { number: this.#file.number + 1, bytes: 0 };
    const { number } = this.#file;
    await appendFile(join(this.#folder, nameOf(number)), text);
    if (this.#file.bytes === 0)
      await rm(join(this.#folder, nameOf(number - FILES)), { force: true });
    this.#file.bytes += text.length;
  }

  async #firstFile() {
    await mkdir(this.#folder, { recursive: true });
    const names = await activityNames(this.#folder);
    const number = Number.parseInt(names.at(-1) ?? '0', 10) + 1;
    for (const name of names.slice(0, -FILES)) await rm(join(this.#folder, name), { force: true });
    return { number, bytes: 0 };
  }
}

/** The activities that a run folder has, oldest first; lines that are damaged are left out. */
export async function readActivities(runFolder: string): Promise<TimedActivity[]> {
  const folder = join(runFolder, ACTIVITY_FOLDER);
  const names = await activityNames(folder).catch(() => []);
  const found: TimedActivity[] = [];
  for (const name of names.slice(-FILES)) {
    // A file of the ring may be deleted meanwhile.
    const text = await readTextFile(join(folder, name), READ_BYTES_MAX).catch(() => '');
    for (const line of text.split('\n')) {
      const activity = activityIn(line);
      if (activity !== undefined) found.push(activity);
    }
  }
  return found;
}

function activityIn(line: string): TimedActivity | undefined {
  const record = jsonRecord(line);
  return record === undefined ? undefined : schema.safeParse(record).data;
}

async function activityNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NAME.test(name)).sort();
}

const nameOf = (number: number) => `${String(number).padStart(6, '0')}.jsonl`;
