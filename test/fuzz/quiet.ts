/** @file Commands whose output is not what is looked at. */

/** Runs a command whose output goes nowhere. */
export async function quietly(command: () => Promise<void>): Promise<void> {
  const { write } = process.stdout;
  process.stdout.write = () => true;
  try {
    await command();
  } finally {
    process.stdout.write = write;
  }
}
