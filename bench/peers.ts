/**
 * @file What others do on this machine in place of Tessera, by turns with it: `bench/peers`, in a process of its own.
 *
 * PyTorch's sides need a Python with torch, torchvision and timm: `--python PATH` (default: python3).
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The comparisons, in the order of `--only peers`. */
export const PEERS = ['step', 'ddp', 'photos', 'input'] as const;

/** An hour is more than all of them take. */
const DEADLINE_MS = 3_600_000;
const MAIN = fileURLToPath(new URL('./peers/main.js', import.meta.url));

/** Runs some comparisons one after the other. */
export async function benchPeers(names: readonly string[], python: string): Promise<object> {
  const args = [MAIN, '--python', python, ...names];
  const child = promisify(execFile)(process.execPath, args, { timeout: DEADLINE_MS });
  child.child.stderr?.pipe(process.stderr);
  return JSON.parse((await child).stdout) as object;
}
