/** @file Replies of the page's server. */

import { statfs } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { TesseraError } from '../../shared/core/errors.ts';
import { LANE_PARTS } from '../../shared/runs/reader/lanes.ts';
import { EXPOSITION_TYPE } from '../http/exposition.ts';
import { type Refusal, refused } from '../http/refusal.ts';
import { type Asset, PAGE_HEADERS } from './assets.ts';
import { boardMetrics } from './metrics.ts';
import { PictureMaker } from './pictures.ts';
import { type BoardAsked, type BoardRules, judgeBoardHead } from './requests.ts';
import type { BoardRun, BoardSource } from './run-view.ts';
import { Viewers } from './viewers.ts';

/** What a service is made of. */
export interface BoardServiceOptions {
  readonly source: BoardSource;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly rules: BoardRules;
  /** Refuses callers that are not known. */
  readonly refuse: (request: IncomingMessage) => Refusal | undefined;
  /** Whether the page may stop runs, and have checkpoints looked at. */
  readonly mayAct: boolean;
  /** Takes why the page could not stop a run. */
  readonly onFault: (error: TesseraError) => void;
  readonly viewersMax: number;
  readonly beatMs: number;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly gzip?: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Replies that are kept for other pages. */
const SHARED_MAX = 8;
/** Columns of a lane. */
const LANE_COLUMNS = 160;
const GZIP_FROM_CHARS = 4096;
const ROLES = ['health', 'ready'];

/** One server's requests. */
export class BoardService {
  readonly #options: BoardServiceOptions;
  readonly #viewers: Viewers;
  readonly #pictures = new PictureMaker();
  readonly #shared = new Map<string, { readonly reply: Reply; readonly untilMs: number }>();

  constructor(options: BoardServiceOptions) {
    this.#options = options;
    const { source, viewersMax: max, beatMs } = options;
    this.#viewers = new Viewers({
      ...{ max, beatMs, state: () => this.#state() },
      lines: () => source.runs()[0]?.view.lines ?? [],
      refresh: async () => await source.refresh?.(),
    });
  }

  close(): void {
    this.#pictures.close();
    this.#viewers.close();
  }

  /** Replies to one request. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const asked = judgeBoardHead({ method, url, headers }, this.#options.rules);
    const refusal =
      asked.type !== 'refused' && !ROLES.includes(asked.type)
        ? this.#options.refuse(request)
        : undefined;
    await this.#options.source.refresh?.();
    if (refusal !== undefined) return send(refusalOf(refusal), request, response);
    if (asked.type === 'events') return this.#follow(asked, response);
    send(await this.#replyTo(asked), request, response);
  }

  #follow({ lastId }: Extract<BoardAsked, { type: 'events' }>, response: ServerResponse): void {
    if (this.#viewers.isFull) {
      const full = refused(503, 'TOO_MANY', 'too many pages follow already', {
        'retry-after': '5',
      });
      send(refusalOf(full), response.req, response);
      return;
    }
    response.writeHead(200, { ...SAFE, 'content-type': 'text/event-stream' });
    this.#viewers.add(response, lastId);
  }

  async #replyTo(asked: Exclude<BoardAsked, { type: 'events' }>): Promise<Reply> {
    const { source, assets } = this.#options;
    const [first] = source.runs();
    switch (asked.type) {
      case 'refused':
        return refusalOf(asked);
      case 'page':
        return assetReply(assets.get('index.html'), PAGE_HEADERS);
      case 'asset':
        return assetReply(assets.get(asked.name));
      case 'health':
        return { status: 200, type: 'text/plain', body: 'ok\n' };
      case 'ready':
        return readiness(first);
      case 'metrics':
        return await this.#metrics(first);
      case 'runs':
        return json(source.runs().map((run) => this.#summary(run)));
    }
    const run = source.runs().find(({ id }) => id === asked.run);
    if (run === undefined) return refusalOf(refused(404, 'NOT_FOUND', 'there is no such run here'));
    return await this.#ofRun(asked, run);
  }

  async #ofRun(
    asked: Extract<BoardAsked, { readonly run: string }>,
    run: BoardRun,
  ): Promise<Reply> {
    const { view } = run;
    switch (asked.type) {
      case 'steps':
        return this.#sharedReply(asked, run, () => {
          return { ...view.steps.decimate(asked.view), evaluations: view.evaluations };
        });
      case 'lanes':
        return this.#sharedReply(asked, run, () => lanesOf(run, asked.windowMs));
      case 'config':
        return json({
          config: (await run.config()) ?? {},
          origins: run.origins === undefined ? null : Object.fromEntries(run.origins),
          engines: [...view.engines].map(([name, afterStep]) => ({ name, afterStep })),
        });
      case 'pictures':
        return json(this.#pictures.of(run));
      case 'look':
        return this.#look(run);
      case 'run':
        return json({ ...this.#summary(run), lines: view.lines, workers: view.workers });
      case 'stop':
        return this.#stop(run);
    }
  }

  /**
   * Pages ask for the same as they are sent a state, all at one time: it is made once. With a new step it is made again: a
   * page that got an older one would not ask for it.
   */
  #sharedReply(asked: BoardAsked, { view }: BoardRun, make: () => object): Reply {
    const key = JSON.stringify([asked, view.steps.lastStep, view.evaluations.length]);
    const nowMs = performance.now();
    const known = this.#shared.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.reply;
    if (this.#shared.size >= SHARED_MAX) this.#shared.clear();
    const made = json(make());
    const reply = { ...made, gzip: zipOf(made.body) };
    this.#shared.set(key, { reply, untilMs: nowMs + this.#options.beatMs / 2 });
    return reply;
  }

  #look(run: BoardRun): Reply {
    if (!this.#options.mayAct) {
      return refusalOf(refused(403, 'ACCESS_DENIED', 'this page may only show what is there'));
    }
    try {
      this.#pictures.begin(run);
    } catch (thrown) {
      const { code, sentence } = TesseraError.from(thrown);
      return refusalOf(refused(409, code, sentence));
    }
    return { ...json(this.#pictures.of(run)), status: 202 };
  }

  #stop(run: BoardRun): Reply {
    if (run.stop === undefined || !this.#options.mayAct) {
      return refusalOf(
        refused(403, 'ACCESS_DENIED', 'this page may not stop the run: use tessera stop'),
      );
    }
    // It takes until the last checkpoint is written; the page sees the phases.
    run.stop().catch((thrown: unknown) => this.#options.onFault(TesseraError.from(thrown)));
    return { ...json({ stopping: run.id }), status: 202 };
  }

  async #metrics(run: BoardRun | undefined): Promise<Reply> {
    if (run === undefined) return refusalOf(refused(503, 'NOT_READY', 'the run begins'));
    const disk = await statfs(run.folder).catch(() => undefined);
    const body = boardMetrics({
      nowMs: Date.now(),
      status: run.status(),
      counts: run.view.counts,
      disk: disk && { freeBytes: disk.bavail * disk.bsize, sizeBytes: disk.blocks * disk.bsize },
      viewers: this.#viewers.count,
      residentBytes: process.memoryUsage.rss(),
    });
    return { status: 200, type: EXPOSITION_TYPE, body };
  }

  #state() {
    const [run] = this.#options.source.runs();
    return run === undefined ? { begins: true } : { now: Date.now(), ...this.#summary(run) };
  }

  #summary(run: BoardRun) {
    const { view, id, stop } = run;
    const status = run.status();
    return {
      ...{ id, status, phase: status?.phase ?? view.phase },
      steps: view.steps.length,
      lastStep: view.steps.lastStep,
      evaluations: view.evaluations.length,
      code: status?.code ?? view.code,
      alarms: status?.alarms ?? [...view.alarms].map(([name, sentence]) => `${name}: ${sentence}`),
      checkpoints: view.checkpoints.slice(-20),
      leases: view.leases.slice(-20),
      leavesLost: view.leavesLost,
      leavesAgain: view.leavesAgain,
      mayStop: stop !== undefined && this.#options.mayAct,
      mayLook: this.#options.mayAct,
    };
  }
}

const SAFE = {
  ...{ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  'cross-origin-resource-policy': 'same-origin',
};

function send(reply: Reply, request: IncomingMessage, response: ServerResponse): void {
  const { status, type, body, headers } = reply;
  const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const zip = reply.gzip ?? (isZipped ? zipOf(body) : undefined);
  const bytes = isZipped && zip !== undefined ? zip : Buffer.from(body);
  response.writeHead(status, {
    ...SAFE,
    ...{ 'content-type': type, 'content-length': bytes.length },
    ...(bytes === zip && { 'content-encoding': 'gzip' }),
    // No body is read here, so none may be taken for the next request.
    ...(!request.complete && request.headers['content-length'] && { connection: 'close' }),
    ...headers,
  });
  if (request.method === 'HEAD') response.end();
  else response.end(bytes);
}

/** Undefined for a short text. */
function zipOf(body: string | Buffer): Buffer | undefined {
  return body.length > GZIP_FROM_CHARS ? gzipSync(body, { level: 1 }) : undefined;
}

function lanesOf({ view, isLive }: BoardRun, windowMs: number): object {
  const endMs = isLive ? Date.now() : view.lanes.newestMs;
  const lanes = view.lanes.columns(endMs, windowMs, LANE_COLUMNS);
  return { endMs, windowMs, columns: LANE_COLUMNS, parts: LANE_PARTS, lanes };
}

function assetReply(asset: Asset | undefined, headers?: Reply['headers']): Reply {
  if (asset === undefined) return refusalOf(refused(404, 'NOT_FOUND', 'there is no such file'));
  return { status: 200, ...asset, headers };
}

/** A run is ready when it can be asked, and has not failed. */
function readiness(run: BoardRun | undefined): Reply {
  const phase = run?.status()?.phase ?? run?.view.phase;
  const isReady = run !== undefined && phase !== 'failed';
  return { status: isReady ? 200 : 503, type: 'text/plain', body: `${phase || 'beginning'}\n` };
}

function json(value: unknown): Reply {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

function refusalOf({ status, code, sentence, headers }: Refusal): Reply {
  return { ...json({ error: { code, sentence } }), status, headers };
}
