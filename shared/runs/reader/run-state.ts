/** @file Whether a run is live, by its folder. */
import type { LockHolder } from '../lock/lock.ts';

/** The present comes before the past: a run that is done may have been resumed, whatever its metrics still say. */
export function stateFromFolder(
  holder: LockHolder | undefined,
  lastPhase: string | undefined,
): 'running' | 'done' | 'stopped' {
  if (holder !== undefined) return 'running';
  return lastPhase === 'done' ? 'done' : 'stopped';
}
