/** @file `tessera board`: a page of run folders, until a signal ends it; of one run that trains, the address of its own. */
import { join } from 'node:path';
import { addressWith } from '../../shared/core/address.ts';
import { systemClock } from '../../shared/core/clock.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { findRun } from '../../shared/runs/reader/find.ts';
import { RunFolders } from '../../tools/board/run-folders.ts';
import { serveBoard } from '../../tools/board/server.ts';
import {
  type PageSecurityFlags,
  pageSecurity,
  refusePageExposure,
} from '../connect/page-security.ts';
import { SAY_PASSED_OVER } from '../inputs/found-run.ts';
import { eventLine } from '../run/progress-lines.ts';
import { pointer, print, say, warning } from '../terminal/output.ts';

/** Flags of `board`. */
export interface BoardFlags extends PageSecurityFlags {
  /** The newest unless given. */
  readonly runs: readonly string[];
  readonly host: string;
  readonly port: number;
}

const ANSWER_MS = 1000;

/** Serves the page until the process is asked to stop. Throws  USAGE for no such run; what listening throws. */
export async function runBoard(flags: BoardFlags): Promise<void> {
  const { host, port, runs, insecure } = flags;
  const listen = addressWith(host, port);
  refusePageExposure(listen, flags);
  const names = runs.length === 0 ? [undefined] : runs;
  const folders: string[] = [];
  for (const name of names) folders.push(await findRun(name, SAY_PASSED_OVER));
  const [first = ''] = folders;
  const own = folders.length === 1 ? await livePage(first) : undefined;
  if (own !== undefined) {
    say(pointer('trains', first));
    return print([own]);
  }
  const shutdown = watchShutdown({ announce: say });
  const security = await pageSecurity(flags);
  try {
    const faults: TesseraError[] = [];
    const source = new RunFolders(folders, eventLine, (error) => {
      faults.push(error);
      say(warning(`not on the page: ${error.sentence}`));
    });
    await source.refresh();
    const [fault] = faults;
    if (fault !== undefined && source.runs().length === 0) throw fault;
    const server = await serveBoard({ source, listen, security, insecure, clock: systemClock });
    print([server.url]);
    const { signal } = shutdown;
    if (!signal.aborted) {
      await new Promise<void>((stop) => signal.addEventListener('abort', () => stop()));
    }
    await server.close();
  } finally {
    security?.tls.close();
    shutdown.dispose();
  }
}

/** The address of the page that a run has of its own; undefined where nothing replies there. */
async function livePage(folder: string): Promise<string | undefined> {
  const url = (await readTextFile(join(folder, RUN_FILES.page)).catch(() => '')).trim();
  if (!/^https?:\/\/[^\s]+$/.test(url)) return undefined;
  // One with TLS has a certificate of an authority of its own: it is not asked.
  if (url.startsWith('https:')) return url;
  const reply = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    () => undefined,
  );
  return reply?.ok ? url : undefined;
}
