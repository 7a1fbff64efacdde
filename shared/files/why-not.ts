/**
 * @file Why a path cannot be read or written: the one part of it that is the cause, named.
 *
 * The system's code is about one of several things: the file, a folder above it, or where a link leads.
 */
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { errnoOf, pathOf, reasonOf } from '../core/errno.ts';

/** Codes that may be about a folder above the path or about a link, so that a look says more. */
const OF_THE_WAY = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP']);

/** Why `path` could not be read or written, as the end of a sentence. */
export function whyNot(path: string, error: unknown): string {
  const errno = errnoOf(error);
  const made = folderToBeMade(error);
  if (made !== undefined && resolve(made) !== resolve(path)) {
    return `the folder ${made} cannot be made: ${whyNot(made, error)}`;
  }
  if (OF_THE_WAY.has(errno)) {
    const found = blameOnTheWay(resolve(path), errno);
    if (found !== undefined) return found;
  }
  const reason = reasonOf(error);
  const other = pathOf(error);
  return other === undefined || isPartOf(path, other) ? reason : `${reason} (${other})`;
}

function folderToBeMade(error: unknown): string | undefined {
  const isIt = error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
  return isIt ? pathOf(error) : undefined;
}

/** Whether an error about `other` is about `path`: itself, or a hidden name beside it, under which it is written. */
function isPartOf(path: string, other: string): boolean {
  const [own, others] = [resolve(path), resolve(other)];
  return own === others || (dirname(own) === dirname(others) && parse(others).base.startsWith('.'));
}

/** Goes down the path from its root to the first part that stops it; undefined when nothing does (any more). */
function blameOnTheWay(path: string, errno: string): string | undefined {
  const { root } = parse(path);
  let above = root;
  for (const name of path.slice(root.length).split(sep)) {
    const place = join(above, name);
    const blame = blameOf(place, { above, isLast: place === path, errno });
    if (blame !== undefined) return blame;
    above = place;
  }
  return undefined;
}

function blameOf(
  place: string,
  {
    above,
    isLast,
    errno,
  }: { readonly above: string; readonly isLast: boolean; readonly errno: string },
): string | undefined {
  const kind = tried(() => lstatSync(place));
  if (kind instanceof Error) {
    if (errnoOf(kind) === 'EACCES') return `the folder ${above} may not be entered`;
    if (errnoOf(kind) !== 'ENOENT') return undefined;
    if (!isLast) return `there is no folder ${place}`;
    // It is not there, and could not be made: its folder takes nothing.
    return errno === 'EACCES' ? `the folder ${above} may not be written to` : undefined;
  }
  const end = kind.isSymbolicLink() ? tried(() => statSync(place)) : kind;
  if (end instanceof Error)
    return `the link ${place} leads to ${targetOf(place)}: ${reasonOf(end)}`;
  if (end.isDirectory()) return undefined;
  if (isLast) return errno === 'ENOTDIR' ? 'it is a file, not a folder' : undefined;
  return `${place} is a file, not a folder`;
}

function targetOf(link: string): string {
  const target = tried(() => readlinkSync(link));
  if (typeof target !== 'string') return 'somewhere';
  return isAbsolute(target) ? target : join(dirname(link), target);
}

function tried<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
