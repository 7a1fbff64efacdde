/** @file Asks the person at the terminal for a yes. */
import { createInterface } from 'node:readline/promises';

/** Whether the reply is a yes; Ctrl-C is a no. Throws  the reason of `signal`. */
export async function isAgreed(question: string, signal?: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await terminal
    .question(`${question} [y/N] `, signal === undefined ? {} : { signal })
    .catch((error: unknown) => {
      signal?.throwIfAborted();
      if (error instanceof Error && error.name === 'AbortError') return '';
      throw error;
    })
    .finally(() => terminal.close());
  return /^y(es)?$/i.test(reply.trim());
}
