/** @file What node's errors and other processes tell by their numbers. */

/** The code of a failed system call, such as `ENOENT`; '' for any other error. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** What a failed system call says, without its code and its path: `no such file or directory`. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return errnoOf(error) === '' ? message : message.replace(/^[A-Z\d]+: |, \w+(?: '.*')?$/gs, '');
}

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
