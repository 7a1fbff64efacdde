/** @file Watches a run: shows it repeatedly until it ends, and distinguishes a crash from an end. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { isLoopback } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { ERROR_CODES, TesseraError } from '../../shared/core/errors.ts';
import {
  fetchStatus,
  type Question,
  type StatusReply,
} from '../../shared/exchange/grpc/operator.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { holderOf } from '../../shared/runs/lock/lock.ts';
import { type RunRecord, readRun } from '../../shared/runs/reader/read.ts';
import { isOfRun } from '../../shared/runs/reader/run-signs.ts';
import { type AskedRun, addressIn, askStatus } from './ask.ts';
import { exitCodeAfter, type Look, type Scene, WatchStory } from './watch-story.ts';

const PAUSE_MS = 1000;
/** One that does not answer for so long is said to be silent; it is asked on. */
const LOOK_MS = 3000;

/** How a run is watched. */
export interface WatchSettings {
  readonly asked: AskedRun;
  /** How long to retry without a reply. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly show: (scene: Scene) => void;
  readonly showEnd: (run: RunRecord) => void;
  /** The command that resumes a run. */
  readonly resumeLine: (run: RunRecord) => string;
}

/**
 * Watches a run to its end; returns the run's own exit code.
 *
 * Throws  what `askStatus` does when the first question gets no answer; COORDINATOR_UNREACHABLE when the coordinator has
 *         gone, or is silent, for longer than patience lasts; the signal's reason.
 */
export async function watchRun(settings: WatchSettings): Promise<number> {
  const { show, patienceMs, signal } = settings;
  const watcher = randomUUID();
  const question = { ...settings.asked.question, signal };
  const asked = { ...settings.asked, question };
  const first = await askStatus(asked, watcher);
  const place = await RunPlace.of(first, { ...settings, asked });
  const story = new WatchStory(first, {
    address: question.address,
    patienceMs,
    nowMs: systemClock.nowMs(),
  });
  for (let scene: Scene = { status: first }; ; ) {
    show(scene);
    const code = scene.outage === undefined ? exitCodeAfter(scene.status) : undefined;
    if (code !== undefined) return code;
    await systemClock.sleep(PAUSE_MS, signal);
    const look = await place.look(watcher);
    if (look.type === 'ended') {
      settings.showEnd(look.run);
      return exitCodeOfEnd(look.run);
    }
    scene = story.next(look, systemClock.nowMs(), place.wayOn);
  }
}

/** The exit code of a run that is over, by its folder: as for an unreachable one if it left no record. */
export function exitCodeOfEnd({ metrics }: RunRecord): number {
  const { phase = '', code = '' } = metrics.phases.at(-1) ?? {};
  return exitCodeAfter({ phase, code }) ?? ERROR_CODES.COORDINATOR_UNREACHABLE.exit;
}

/** Where a run can be looked at: its coordinator's address, and its folder when it is here. */
class RunPlace {
  /** What to do when its coordinator does not come back. */
  wayOn: string;
  #question: Question;
  readonly #folder: string | undefined;
  readonly #runFolder: string;
  readonly #resumeLine: WatchSettings['resumeLine'];

  private constructor(
    status: StatusReply,
    { asked, resumeLine }: Pick<WatchSettings, 'asked' | 'resumeLine'>,
    folder: string | undefined,
  ) {
    this.#question = asked.question;
    this.#resumeLine = resumeLine;
    this.#folder = folder;
    this.#runFolder = status.runFolder;
    this.wayOn = `on its machine, resume the run with: tessera train --resume ${status.runFolder}`;
  }

  static async of(
    status: StatusReply,
    settings: Pick<WatchSettings, 'asked' | 'resumeLine'>,
  ): Promise<RunPlace> {
    const { question, meant } = settings.asked;
    // Of a run that was asked for by its address, the folder may be here all the same.
    const isHere =
      isLoopback(question.address) && (await addressIn(status.runFolder)) === question.address;
    return new RunPlace(status, settings, meant?.folder ?? (isHere ? status.runFolder : undefined));
  }

  /** Looks once. Throws  what its coordinator refuses with; the signal's reason. */
  async look(watcher: string): Promise<Look | { readonly type: 'ended'; readonly run: RunRecord }> {
    const found = await this.#ask(watcher);
    if (found.type === 'status' || this.#folder === undefined) return found;
    return await this.#lookIn(this.#folder, found);
  }

  async #ask(watcher: string): Promise<Look> {
    try {
      const status = await fetchStatus({ ...this.#question, timeoutMs: LOOK_MS }, watcher);
      // The port may be another run's by now.
      const isIt = await isOfRun(status, this.#folder ?? this.#runFolder);
      return isIt ? { type: 'status', status } : { type: 'gone' };
    } catch (thrown) {
      this.#question.signal?.throwIfAborted();
      const { code } = TesseraError.from(thrown);
      if (code === 'TIMEOUT') return { type: 'silent' };
      if (code === 'COORDINATOR_UNREACHABLE') return { type: 'gone' };
      throw thrown;
    }
  }

  /** What the folder of a run says of a coordinator that does not answer. */
  async #lookIn(folder: string, found: Exclude<Look, { type: 'status' }>) {
    // A resumed run may have another address.
    const address = await addressIn(folder);
    if (address !== '') this.#question = { ...this.#question, address };
    const holder = await holderOf(join(folder, RUN_FILES.lock)).catch(() => undefined);
    if (holder !== undefined) {
      this.wayOn = `it may be stopped (kill -CONT ${holder.pid}), or too busy to answer`;
      return { type: 'silent', pid: holder.pid } as const;
    }
    const run = await readRun(folder).catch(() => undefined);
    if (run === undefined) return found;
    this.wayOn = `resume the run with: ${this.#resumeLine(run)}`;
    return run.metrics.ending === undefined ? found : ({ type: 'ended', run } as const);
  }
}
