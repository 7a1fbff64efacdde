/** @file The numbers of errors and processes in Node. */
import { errnoOf } from '../core/errno.ts';

export { errnoOf, reasonOf } from '../core/errno.ts';

/** Whether a process of this machine lives, be it ours or another user's. */
export function isProcessAlive(processId: number): boolean {
  // To the system, 0 and less mean groups of processes, our own among them.
  if (processId < 1) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
