/** @file What keeps SIGUSR1 from opening Node's debugger in processes that we start; see `debugger.ts`. */

/** Flags for processes of Node that we start; Node 20 knows none. */
export const NO_DEBUGGER_FLAGS: readonly string[] = process.allowedNodeEnvironmentFlags.has(
  '--disable-sigusr1',
)
  ? ['--disable-sigusr1']
  : [];
