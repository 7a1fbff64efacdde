/** @file What ends with a test file. Files of a project share a process and its modules, so a module cannot have hooks. */
const endings = new Set<() => unknown>();

/** Calls once, when the test file ends that runs now; the last one first. */
export function atEndOfFile(end: () => unknown): void {
  endings.add(end);
}

/** Ends what the file has begun; for `end-of-file.ts`, which each file has. */
export async function endFile(): Promise<void> {
  const all = [...endings].reverse();
  endings.clear();
  for (const end of all) await end();
}
