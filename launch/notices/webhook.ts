/** @file Sends notices of a run to a web address: an observer with a bounded queue, deadlines and a budget of retries. */
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import type { ObserveConfig, WebhookTemplate } from '../../shared/config/observe.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { errnoOf } from '../../shared/core/errno.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import { type Notice, Notices } from '../../shared/runs/notices/notices.ts';
import { bodyOf, type NoticeOrigin, templateFor } from '../../shared/runs/notices/templates.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import { nextAfter, type Tried } from './delivery.ts';

/** Where notices go, and when. */
export interface WebhookSettings {
  readonly url: URL;
  readonly template: WebhookTemplate;
  /** So long without a step is worth a notice; 0: never. */
  readonly quietMs: number;
  /** Its name is that of the run. */
  readonly runFolder: string;
  readonly clock: Clock;
  /** Gets what a person should know of the webhook itself, without its address. */
  readonly warn: (sentence: string) => void;
  /** Longest wait for a reply, and for all that waits at the end of the run. */
  readonly replyMs?: number;
  readonly closeMs?: number;
}

/** Notices that wait; the oldest of more is dropped. */
const WAITING_MAX = 32;
/** Retries of one process of a run. */
const RETRIES = 200;
const TICK_MS = 5000;
const REPLY_MS = 10_000;
/** The end of a run waits as long for its last notices. */
const CLOSE_MS = 10_000;

/** Sends notices of a run to a web address. */
export class Webhook implements RunObserver {
  readonly name = 'webhook';
  readonly #settings: WebhookSettings;
  readonly #notices: Notices;
  readonly #origin: NoticeOrigin;
  readonly #waiting: Notice[] = [];
  readonly #stopTicking: () => void;
  readonly #end = new AbortController();
  #sending: Promise<void> | undefined;
  #retriesLeft = RETRIES;
  #numLost = 0;

  constructor(settings: WebhookSettings) {
    this.#settings = settings;
    const { clock, quietMs, runFolder } = settings;
    this.#notices = new Notices(quietMs);
    this.#origin = { run: basename(resolve(runFolder)), host: hostname() };
    this.#stopTicking = clock.every(TICK_MS, () => {
      this.#add(this.#notices.tick(clock.nowMs(), new Date().toISOString()));
    });
  }

  event(event: TimedEvent): void {
    this.#add(this.#notices.take(event, this.#settings.clock.nowMs()));
  }

  /** Waits for what is to be sent, for a bounded time. */
  async close(): Promise<void> {
    this.#stopTicking();
    const { clock, closeMs = CLOSE_MS } = this.#settings;
    const enough = new AbortController();
    // Rejects once everything is sent.
    const late = clock.sleep(closeMs, enough.signal).then(
      () => this.#end.abort(new Error('the run has ended')),
      () => {},
    );
    await this.#sending;
    enough.abort();
    await late;
    if (this.#numLost > 1) this.#warn(`${this.#numLost} notices in all were not delivered`);
  }

  #add(notices: readonly Notice[]): void {
    for (const notice of notices) {
      this.#waiting.push(notice);
      if (this.#waiting.length <= WAITING_MAX) continue;
      this.#waiting.shift();
      this.#lost(`it is too slow: more than ${WAITING_MAX} notices wait`);
    }
    if (this.#waiting.length > 0) this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#send(next);
    }
    this.#sending = undefined;
  }

  /** Its promise never rejects. */
  async #send(notice: Notice): Promise<void> {
    const { signal } = this.#end;
    for (let number = 1; ; number += 1) {
      if (signal.aborted) return this.#lost('the run ended before it replied');
      const next = nextAfter(await this.#try(notice), number, this.#retriesLeft);
      if (next.type === 'delivered') return;
      if (next.type === 'abandoned') return this.#lost(next.reason);
      this.#retriesLeft -= 1;
      await this.#settings.clock.sleep(next.afterMs, signal).catch(() => {});
    }
  }

  async #try(notice: Notice): Promise<Tried> {
    const { url, template, replyMs = REPLY_MS } = this.#settings;
    const { contentType, body } = bodyOf(templateFor(template, url), notice, this.#origin);
    const { address, headers } = requestOf(url);
    try {
      const response = await fetch(address, {
        ...{ method: 'POST', redirect: 'manual', body },
        headers: { ...headers, 'content-type': contentType, 'user-agent': 'tessera' },
        signal: AbortSignal.any([this.#end.signal, AbortSignal.timeout(replyMs)]),
      });
      await response.body?.cancel();
      const { status } = response;
      const retryAfterMs = 1000 * Number(response.headers.get('retry-after') ?? Number.NaN);
      return {
        status,
        retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : undefined,
        location: response.headers.get('location'),
      };
    } catch (thrown) {
      return { failure: failureOf(thrown) };
    }
  }

  /** The first loss is said as it happens, and their number at the end. */
  #lost(reason: string): void {
    this.#numLost += 1;
    if (this.#numLost === 1) this.#warn(`a notice was not delivered: ${reason}`);
  }

  #warn(sentence: string): void {
    this.#settings.warn(`webhook of ${this.#settings.url.host}: ${sentence}`);
  }
}

/** The webhook of a run, once its folder is there. */
export function webhookOf(
  { url, observe }: { readonly url: URL | undefined; readonly observe: ObserveConfig },
  warn: WebhookSettings['warn'],
): ((runFolder: string) => RunObserver)[] {
  if (url === undefined) return [];
  const { webhookTemplate: template, quietMinutes } = observe;
  const settings = { url, template, quietMs: quietMinutes * 60_000, clock: systemClock, warn };
  return [(runFolder) => new Webhook({ ...settings, runFolder })];
}

/** fetch refuses an address with a name and a password: they go into a header. */
function requestOf(url: URL) {
  const { username, password } = url;
  if (username === '' && password === '') return { address: url, headers: {} };
  const address = new URL(url);
  address.username = '';
  address.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { address, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** Why there was no reply, without the address, which messages of fetch may have. */
function failureOf(thrown: unknown): string {
  if (thrown instanceof Error && thrown.name === 'TimeoutError') return 'it does not reply';
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const code = errnoOf(cause) || errnoOf(thrown);
  return code === '' ? 'it cannot be reached' : `it cannot be reached (${code})`;
}
