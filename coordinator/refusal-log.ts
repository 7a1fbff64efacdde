/** @file What is said of refused calls: who makes them is named, and who makes hundreds fills no log and hides nobody. */
import type { Clock } from '../shared/core/clock.ts';
import type { TesseraError } from '../shared/core/errors.ts';
import type { Logger } from '../shared/host/log.ts';
import type { CallReporter } from '../shared/rpc/handlers.ts';
import { AddressCounts, addressOf, MINUTE_MS } from './address-counts.ts';

/** Different refusals of one address that are told in a minute. */
const LINES_MAX = 20;

/** Our own failures, attempts to get in and whoever takes too much are for everybody to see, the rest is the caller's business. */
const WORTH_SEEING: ReadonlySet<string> = new Set([
  'INTERNAL',
  'ACCESS_DENIED',
  'RATE_LIMITED',
  'TIMEOUT',
]);

/** Logs refused calls: each once a minute and address, the others only for who looks closely, and how many those were. */
export function refusalLog(log: Logger, clock: Clock): CallReporter {
  const lines = new AddressCounts(MINUTE_MS, clock);
  const told = new Set<string>();
  let sinceMs = clock.nowMs();
  let numUntold = 0;
  const begin = (nowMs: number) => {
    if (numUntold > 0) log.warn({ calls: numUntold }, 'more calls were refused');
    sinceMs = nowMs;
    numUntold = 0;
    told.clear();
  };
  return (error, method, peer) => {
    const record = { err: error, method, peer };
    if (!WORTH_SEEING.has(error.code)) return log.debug(record, 'call refused');
    if (clock.nowMs() - sinceMs >= MINUTE_MS) begin(clock.nowMs());
    const refusal = `${addressOf(peer)} ${method} ${error.sentence}`;
    const isTold = !told.has(refusal) && lines.add(peer).count <= LINES_MAX;
    if (isTold) told.add(refusal);
    else numUntold += 1;
    log[isTold ? levelOf(error) : 'debug'](record, 'call refused');
  };
}

function levelOf({ code }: TesseraError): 'error' | 'warn' {
  return code === 'INTERNAL' ? 'error' : 'warn';
}
