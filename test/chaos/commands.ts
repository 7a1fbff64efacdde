/** @file Runs the commands that make and disturb networks. */
import { execFileSync } from 'node:child_process';

/** `ip`, `tc` and `bridge` are not always where a user's programs are. */
export const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;

/** Runs a command given as words, and perhaps one more argument that has spaces; answers what it printed. */
export function run(words: string, ...last: readonly string[]): string {
  const [command = '', ...args] = words.split(' ');
  return execFileSync(command, [...args, ...last], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 10_000,
  });
}
