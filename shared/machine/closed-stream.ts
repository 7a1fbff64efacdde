/**
 * @file Whether a standard stream was closed when the process began (`>&-`).
 *
 * Node puts /dev/null, open for both ways, in the place of a closed one, so that writing to it succeeds. Others hand down
 * such a /dev/null on purpose (Python's DEVNULL, Node's own 'ignore'): the parent's own stream distinguishes them.
 */
import { fstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf } from '../core/errno.ts';

const DEV_NULL = '/dev/null';
/** The two lowest bits of a file's flags. */
const [ACCESS_MODE, BOTH_WAYS] = [3, 2];
/** Shells: they open and close the streams of their children explicitly, and open /dev/null for one direction only. */
const SHELLS: ReadonlySet<string> = new Set(
  ['sh', 'bash', 'dash', 'zsh', 'ksh', 'mksh', 'ash', 'busybox', 'fish'].map((name) => `${name}\n`),
);

/** Whether the standard stream `fd` was closed; false where that is unknown (systems other than Linux). */
export function wasClosed(fd: 0 | 1 | 2): boolean {
  try {
    if (fstatSync(fd).rdev !== statSync(DEV_NULL).rdev) return false;
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    if ((Number.parseInt(flags ?? '', 8) & ACCESS_MODE) !== BOTH_WAYS) return false;
    return isClosedByParent(fd);
  } catch {
    return false;
  }
}

/** Throws  what the system says when our parent is another user's. */
function isClosedByParent(fd: number): boolean {
  const parent = `/proc/${process.ppid}`;
  try {
    if (readlinkSync(`${parent}/fd/${fd}`) === DEV_NULL) return false;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
  return SHELLS.has(readFileSync(`${parent}/comm`, 'utf8'));
}
