/** @file How much a process has sent and received, as Linux counts it: shows from outside that a push or a pull is under way. */
import { readFileSync } from 'node:fs';

/** What a worker does with the coordinator: a push is written, a pull is read. */
export type Transfer = 'push' | 'pull';

/** A transfer that has begun. */
export interface Burst {
  readonly transfer: Transfer;
  /** Bytes of it so far. */
  bytes(): number;
}

/** More than samples, heartbeats and log lines make at a time. */
const BURST_BYTES = 48 * 1024;
/** A transfer is over when nothing has moved for so long. */
const QUIET_MS = 4;
const DEADLINE_MS = 3_000;

/** Waits until a process is in the middle of a transfer; undefined when none comes, or where nobody counts. */
export async function burstOf(pid: number, transfer: Transfer): Promise<Burst | undefined> {
  const startedMs = performance.now();
  let baseline = moved(pid, transfer);
  let last = baseline;
  let changedMs = startedMs;
  while (baseline !== undefined && performance.now() - startedMs < DEADLINE_MS) {
    await new Promise((later) => setTimeout(later, 1));
    const now = moved(pid, transfer);
    if (now === undefined) return undefined;
    if (now === last && performance.now() - changedMs > QUIET_MS) baseline = now;
    if (now !== last) changedMs = performance.now();
    last = now;
    if (now - baseline < BURST_BYTES) continue;
    const from = baseline;
    return { transfer, bytes: () => (moved(pid, transfer) ?? now) - from };
  }
  return undefined;
}

/** Bytes that a process has written or read since it began. */
function moved(pid: number, transfer: Transfer): number | undefined {
  try {
    const counters = readFileSync(`/proc/${pid}/io`, 'utf8');
    const [, bytes] = (transfer === 'push' ? /wchar: (\d+)/ : /rchar: (\d+)/).exec(counters) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}
