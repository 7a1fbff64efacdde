/** @file The live page of a run that a command drives: served while it runs, and never a reason for it to fail. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '../../launch/train.ts';
import { isLoopback } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { jsonRecord } from '../../shared/core/text.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import { LiveRun } from '../../tools/board/live-run.ts';
import { type BoardServer, serveBoard } from '../../tools/board/server.ts';
import type { HttpSecurity } from '../../tools/http/access.ts';
import {
  type PageSecurityFlags,
  pageSecurity,
  refusePageExposure,
} from '../connect/page-security.ts';
import { warning } from '../terminal/output.ts';
import { eventLine } from './progress-lines.ts';

/** Flags that say where a page is served, and to whom. */
export interface PageFlags extends PageSecurityFlags {
  /** HOST:PORT; false for none. */
  readonly page?: string | false;
}

const LEVELS = { warning: 40, bad: 50 } as const;

/** The page of one run. */
export class RunPage {
  readonly #flags: PageFlags;
  readonly #say: (line: string) => void;
  readonly #live: LiveRun | undefined;
  readonly #listen: string;
  #server: BoardServer | undefined;
  #security: HttpSecurity | undefined;
  #file: string | undefined;

  constructor(flags: PageFlags, say: (line: string) => void) {
    this.#flags = flags;
    this.#say = say;
    // What credentials keep from other accounts of this machine is shown to them where the command says so.
    const { page = flags.certs === undefined && '127.0.0.1:0' } = flags;
    this.#live = page === false ? undefined : new LiveRun(eventLine);
    this.#listen = page === false ? '' : page;
  }

  /** Throws  ACCESS_DENIED, USAGE for an address that may not be opened: before anything begins. */
  check(): void {
    if (this.#live !== undefined) refusePageExposure(this.#listen, this.#flags);
  }

  get observers(): readonly RunObserver[] {
    return this.#live === undefined ? [] : [this.#live];
  }

  /** A line of the log, as JSON. */
  log(line: string): void {
    const record = jsonRecord(line);
    if (record === undefined) return;
    const level = Number(record['level']);
    const mood = level >= LEVELS.bad ? 'bad' : level >= LEVELS.warning ? 'warning' : 'plain';
    this.#live?.line(String(record['msg'] ?? ''), mood);
  }

  /** Serves it; its address, or nothing where it is not served. `origins` are those of the values of the config. */
  async begin(run: Run, origins: ReadonlyMap<string, string>): Promise<readonly string[]> {
    if (this.#live === undefined || run.isDone) return [];
    try {
      const security = isLoopback(this.#listen) ? undefined : await pageSecurity(this.#flags);
      this.#security = security;
      const { insecure } = this.#flags;
      const listen = this.#listen;
      this.#server = await serveBoard({
        ...{ source: this.#live, listen, security, insecure, clock: systemClock },
        onFault: (error) => this.#warn('the page could not stop the run', error),
      });
      // What the run did before is read meanwhile.
      this.#live
        .attach(run, origins)
        .catch((thrown) => this.#warn('the page lacks what the run did before', thrown));
      const file = join(run.runFolder, RUN_FILES.page);
      await writeFileAtomically(file, [Buffer.from(`${this.#server.url}\n`)]);
      this.#file = file;
    } catch (thrown) {
      const isServed = this.#server !== undefined;
      const what = isServed ? 'no file names the page' : 'no page, the run continues';
      this.#warn(what, thrown);
    }
    return this.#server === undefined ? [] : [this.#server.url];
  }

  async close(): Promise<void> {
    await this.#server?.close().catch((thrown) => this.#warn('the page was not closed', thrown));
    this.#security?.tls.close();
    if (this.#file === undefined) return;
    await rm(this.#file, { force: true }).catch((thrown) =>
      this.#warn(`${this.#file} names a page that is gone`, thrown),
    );
  }

  #warn(what: string, thrown: unknown): void {
    this.#say(warning(`${what}: ${TesseraError.from(thrown).sentence}`));
  }
}
