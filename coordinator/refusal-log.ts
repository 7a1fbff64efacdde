/** @file Which refusals are for everybody to see, and how many: who knocks all the time must not fill the log. */
import type { Clock } from '../shared/core/clock.ts';
import type { TesseraError } from '../shared/core/errors.ts';
import type { Logger } from '../shared/host/log.ts';
import type { CallReporter } from '../shared/rpc/handlers.ts';
import { AddressCounts } from './address-counts.ts';

const MINUTE_MS = 60_000;
/** Lines that one address gets in a minute. */
const LINES_MAX = 20;

/** Logs refused calls by their weight; of one address the first of a minute, the others only for who looks closely. */
export function refusalLog(log: Logger, clock: Clock): CallReporter {
  const lines = new AddressCounts(MINUTE_MS, clock);
  return (error, method, peer) => {
    const record = { err: error, method, peer };
    const level = levelOf(error);
    if (level !== 'warn') {
      log[level](record, 'call refused');
      return;
    }
    const { address, count } = lines.add(peer);
    log[count <= LINES_MAX ? 'warn' : 'debug'](record, 'call refused');
    if (count === LINES_MAX) log.warn({ address }, 'further refusals of this minute not shown');
  };
}

/** Our own failures, attempts to get in and whoever takes too much are for everybody to see, the rest is the caller's business. */
function levelOf({ code }: TesseraError): 'error' | 'warn' | 'debug' {
  if (code === 'INTERNAL') return 'error';
  return WORTH_SEEING.has(code) ? 'warn' : 'debug';
}

const WORTH_SEEING: ReadonlySet<string> = new Set(['ACCESS_DENIED', 'RATE_LIMITED', 'TIMEOUT']);
