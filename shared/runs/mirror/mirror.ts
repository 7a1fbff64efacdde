/**
 * @file The mirror of a run: copies each saved checkpoint to an object store, by a thread. An observer of the run: training
 * never waits for it, and no failure of it is a failure of the run.
 */
import { Worker } from 'node:worker_threads';
import { deferred, withDeadline } from '../../core/async.ts';
import { systemClock } from '../../core/clock.ts';
import type { Logger } from '../../machine/log.ts';
import type { RunEvent, TimedEvent } from '../events.ts';
import type { RunIdentity } from '../identity.ts';
import type { RunObserver } from '../observer.ts';
import type { MirrorReply, MirrorRequest, MirrorStart } from './thread.ts';

/** What a mirror is opened with. */
export interface MirrorOptions extends MirrorStart {
  readonly log: Logger;
  /** Gets `mirrored` and `mirrorFailed`. */
  readonly onEvent: (event: RunEvent) => void;
  /** Longest wait at the end of the run for the last copy. */
  readonly waitMs: number;
}

/** The mirror of a run; undefined where its config names none: nothing is contacted then. */
export function openMirror(
  { config, runFolder }: Pick<RunIdentity, 'config' | 'runFolder'>,
  log: Logger,
  onEvent: (event: RunEvent) => void,
): Mirror | undefined {
  const {
    mirror: place,
    mirrorCredentials: credentials,
    mirrorWaitMs: waitMs,
    keep,
  } = config.checkpoint;
  if (place === undefined) return undefined;
  return new Mirror({ place, credentials, waitMs, keep, runFolder, log, onEvent });
}

/** A mirror that copies. */
export class Mirror implements RunObserver {
  readonly name = 'mirror';
  readonly #options: MirrorOptions;
  readonly #thread: Worker;
  readonly #empty = deferred<void>();
  /** The newest checkpoint, and the newest that is in the mirror. */
  #saved = 0;
  #copied = 0;
  #hasGone = false;
  /** Time that this thread has spent here, since training may not wait for a mirror. */
  #spentMs = 0;

  /** `entry` is the program of the thread. */
  constructor(options: MirrorOptions, entry = new URL('./thread.js', import.meta.url)) {
    const { place, credentials, runFolder, keep } = options;
    this.#options = options;
    const start: MirrorStart = { place, credentials, runFolder, keep };
    this.#thread = new Worker(entry, { workerData: start });
    this.#thread.on('message', (reply: MirrorReply) => this.#take(reply));
    this.#thread.on('error', (error) => this.#gone(error.message));
    this.#thread.on('exit', (code) => this.#gone(`its thread ended with code ${code}`));
    // The process may end without it: what waits for the end of the run keeps it alive.
    this.#thread.unref();
  }

  event(event: TimedEvent): void {
    if (event.type === 'checkpoint') this.saved(event);
  }

  /** A checkpoint is on disk. */
  saved({ step, folder }: { readonly step: number; readonly folder: string }): void {
    const startedMs = systemClock.nowMs();
    this.#saved = step;
    this.#ask({ saved: { step, folder } });
    this.#spentMs += systemClock.nowMs() - startedMs;
  }

  /** Waits for the last copy, for a stated time. */
  async finish(): Promise<void> {
    const { waitMs, log, onEvent, place } = this.#options;
    const startedMs = systemClock.nowMs();
    if (!this.#hasGone) {
      this.#ask({ closing: true });
      await withDeadline(systemClock, this.#empty.promise, waitMs, 'the last copy').catch(() => {
        if (this.#copied >= this.#saved) return;
        const reason = `the last copy has not ended within ${waitMs / 1000} s of the end of the run: ${place} may lack it`;
        onEvent({ type: 'mirrorFailed', step: this.#saved, reason });
      });
    }
    const waitedMs = systemClock.nowMs() - startedMs;
    log.debug({ spentMs: this.#spentMs, waitedMs }, 'time of the run that its mirror took');
  }

  /** Ends the thread, whatever it does. */
  async close(): Promise<void> {
    this.#hasGone = true;
    await this.#thread.terminate();
  }

  #ask(request: MirrorRequest): void {
    if (!this.#hasGone) this.#thread.postMessage(request);
  }

  #take(reply: MirrorReply): void {
    const startedMs = systemClock.nowMs();
    if (reply.type === 'empty') this.#empty.resolve();
    else if (reply.type === 'copied') {
      const { type: _, ...copied } = reply;
      this.#copied = Math.max(this.#copied, reply.step);
      this.#options.onEvent({ type: 'mirrored', ...copied });
    } else this.#failed(reply);
    this.#spentMs += systemClock.nowMs() - startedMs;
  }

  #failed({ step, reason, hint, isNews, isFinal }: Extract<MirrorReply, { type: 'failed' }>): void {
    this.#options.log.debug({ step, reason }, 'a checkpoint was not mirrored');
    if (!isNews && !isFinal) return;
    const way = hint === undefined ? '' : ` (${hint})`;
    this.#options.onEvent({ type: 'mirrorFailed', step, reason: `${reason}${way}` });
  }

  /** The run continues without its mirror. */
  #gone(why: string): void {
    if (this.#hasGone) return;
    this.#hasGone = true;
    this.#empty.resolve();
    const reason = `nothing more is copied to ${this.#options.place}: ${why}`;
    this.#options.onEvent({ type: 'mirrorFailed', step: this.#saved, reason });
  }
}
