/**
 * @file What a lock says, and what follows from it: who holds it, whether that process lives, whether it is a copy.
 *
 * A holder is known by its machine's start, its table of processes, its number and its start. Where those are ours, the
 * table of processes decides. Elsewhere (another container, another host) a lock counts while its holder touches it.
 */

import type { Processes, ProcessIdentity } from '../../machine/processes.ts';
import type { FoundLock, LockPlace } from './disk.ts';

/** Who holds a lock. */
export interface LockHolder extends Pick<ProcessIdentity, 'host' | 'pid' | 'started'> {
  readonly id: string;
  /** What it does with the run, where that is not to train it. */
  readonly work?: string | undefined;
}

/** The contents of a lock; those of older versions do not say where they were made. */
interface LockText extends LockHolder, Partial<Pick<ProcessIdentity, 'boot' | 'table' | 'mounts'>> {
  readonly place?: Pick<LockPlace, 'folder' | 'file' | 'isLasting'> | undefined;
}

/** What can be said of a lock without waiting. */
export interface JudgedLock {
  /** Undefined for half a lock, and for what no process of ours wrote. */
  readonly holder: LockHolder | undefined;
  /** `held` and `gone` by the table of processes; `copy`: of a lock that lies elsewhere; `unsure`: its age decides. */
  readonly standing: 'held' | 'gone' | 'copy' | 'unsure';
  /** Whether its holder is known by a table of processes that is not ours. */
  readonly isElsewhere: boolean;
}

/** The text of a lock. */
export function encodeLock(holder: LockHolder, me: ProcessIdentity, place: LockPlace): string {
  const { boot, table, mounts } = me;
  const { folder, file, isLasting } = place;
  return JSON.stringify({ ...holder, boot, table, mounts, place: { folder, file, isLasting } });
}

/** What a lock that was found says of itself. */
export function judgeLock({ text, place }: FoundLock, processes: Processes): JudgedLock {
  const found = parseLock(text);
  if (found === undefined) return { holder: undefined, standing: 'unsure', isElsewhere: false };
  const { id, host, pid, started, work } = found;
  const holder = { id, host, pid, started, work };
  const isOurs = isOurTable(found, processes.me);
  // Without a boot id, hosts are distinguished by their names, in messages only.
  const isNamesake = found.boot === '' && processes.me.boot === '' && host === processes.me.host;
  const isElsewhere = !isOurs && !isNamesake;
  const where = whereabouts(found, place, processes.me);
  if (where === 'copied') return { holder, standing: 'copy', isElsewhere };
  const fate = isOurs ? processes.fateOf(found) : 'unknown';
  if (fate === 'dead') return { holder, standing: 'gone', isElsewhere };
  const isSure = fate === 'alive' && where === 'in place';
  return { holder, standing: isSure ? 'held' : 'unsure', isElsewhere };
}

/** A holder in words; `seconds` since it was touched, where that decides. */
export function holderWords(
  { holder, isElsewhere }: Pick<JudgedLock, 'holder' | 'isElsewhere'>,
  touched?: string,
): string {
  if (holder === undefined) return 'another process';
  const { pid, host, work } = holder;
  const what = work === undefined ? `process ${pid}` : `process ${pid} (${work})`;
  const where = isElsewhere ? `in another container or on another host (${host})` : `on ${host}`;
  return `${what} ${where}${touched === undefined ? '' : `, touched ${touched}`}`;
}

/** Whether a holder is in our table of processes. Older versions know it by the host's name alone. */
function isOurTable(found: LockText, me: ProcessIdentity): boolean {
  if (found.boot === undefined) return found.host === me.host;
  return found.boot !== '' && found.boot === me.boot && found.table === me.table;
}

/**
 * Whether a lock lies where it was made. A folder keeps its number when it is renamed, and a copy has another one. Of disks
 * whose numbers change, and of other mounts, they prove nothing.
 */
function whereabouts(
  { boot, mounts, place: made }: LockText,
  now: LockPlace,
  me: ProcessIdentity,
): 'in place' | 'copied' | 'unknown' {
  if (made === undefined || made.folder === now.folder) return 'in place';
  if (made.file === now.file && now.names === 1) return 'in place';
  const isSameView = boot !== '' && boot === me.boot && mounts !== '' && mounts === me.mounts;
  if (!isSameView || !made.isLasting || !now.isLasting) return 'unknown';
  const [was, is] = [numbersOf(made.folder), numbersOf(now.folder)];
  // A disk that was taken out and put back has another number, its files have not: so both must differ, ...
  if (was.file !== is.file && numbersOf(made.file).file !== numbersOf(now.file).file)
    return 'copied';
  // ... or it is another folder of one disk, whose files are links to those of the first.
  return was.disk === is.disk && now.names > 1 ? 'copied' : 'unknown';
}

function numbersOf(identity: string): { disk: string | undefined; file: string | undefined } {
  const [disk, file] = identity.split(':');
  return { disk, file };
}

const WORK = /^[a-z ]{1,32}$/;

/** Its id becomes a name of a file, the rest words for a terminal: nothing is taken as it is. */
function parseLock(text: string): LockText | undefined {
  try {
    const found: Partial<Record<keyof LockText, unknown>> | null = JSON.parse(text);
    const { id, host, pid, started, work, boot, table, mounts, place } = found ?? {};
    if (!Number.isInteger(pid) || !/^[\w-]{1,64}$/.test(String(id))) return undefined;
    const holder = {
      id: String(id),
      host: String(host).slice(0, 255),
      pid: Number(pid),
      started: String(started),
      ...(typeof work === 'string' && WORK.test(work) && { work }),
    };
    if (typeof boot !== 'string') return holder;
    const { folder, file, isLasting } = Object(place);
    return {
      ...holder,
      ...{ boot, table: String(table), mounts: String(mounts) },
      place:
        typeof folder === 'string' && typeof file === 'string'
          ? { folder, file, isLasting: isLasting === true }
          : undefined,
    };
  } catch {
    return undefined;
  }
}
