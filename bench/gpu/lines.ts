/** @file A process that is asked by lines and replies with lines of JSON; what waits for it has a deadline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What of a failed process's stderr is worth keeping. */
const STDERR_KEPT = 1500;

/** A reply of such a process. */
export type Reply = Readonly<Record<string, unknown>>;

/** A running process; ends with `signal`. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #replies: AsyncIterator<Reply>;
  #stderr = '';

  constructor([command = '', ...args]: readonly string[], signal: AbortSignal) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], signal, killSignal: 9 });
    this.#child.once('error', (error) => {
      this.#stderr += `\n${error}`;
    });
    // One that has ended takes no more requests; its replies say so.
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.on('data', (data) => {
      this.#stderr = (this.#stderr + String(data)).slice(-STDERR_KEPT);
    });
    this.#replies = repliesOf(this.#child)[Symbol.asyncIterator]();
  }

  /** The next reply. Throws  when the process ends in its place, with the end of its stderr. */
  async next(): Promise<Reply> {
    const { value, done } = await this.#replies.next();
    if (!done) return value;
    throw new Error(`no reply: ${this.#stderr.trim() || 'it ended without a message'}`);
  }

  /** Asks for a reply. */
  ask(request: string): Promise<Reply> {
    this.#child.stdin?.write(`${request}\n`);
    return this.next();
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The lines of a process that are JSON objects: libraries print others. */
async function* repliesOf(child: ChildProcess): AsyncGenerator<Reply> {
  if (child.stdout === null) return;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) yield JSON.parse(line) as Reply;
  }
}
