/** @file The identity of this process, and whether another process is alive. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isProcessAlive } from '../files/disk.ts';

/** The parts that identify a process among all others, on this machine, in its containers and elsewhere; '' if unknown. */
export interface ProcessIdentity {
  /** Containers and machines may share it. */
  readonly host: string;
  readonly pid: number;
  /** Start of the process, in the kernel's ticks since the machine started. */
  readonly started: string;
  /** Id of the machine's start; its containers share it. */
  readonly boot: string;
  /** The table of processes in which `pid` counts: containers have their own. */
  readonly table: string;
  /** Its mount namespace: device and inode numbers mean the same for processes in the same one. */
  readonly mounts: string;
}

/** The processes of a machine, as one of them sees them. */
export interface Processes {
  readonly me: ProcessIdentity;
  /** Whether a process of our own table lives, by its number and its start. */
  fateOf(process: Pick<ProcessIdentity, 'pid' | 'started'>): 'alive' | 'dead' | 'unknown';
}

let known: ProcessIdentity | undefined;

/** This machine's processes. */
export const machineProcesses: Processes = {
  get me() {
    known ??= {
      host: hostname(),
      pid: process.pid,
      started: statOf('self')?.started ?? '',
      boot: read('/proc/sys/kernel/random/boot_id').trim(),
      // Starts are counted in the namespace of time.
      table: `${follow('/proc/self/ns/pid')} ${follow('/proc/self/ns/time')}`.trim(),
      mounts: follow('/proc/self/ns/mnt'),
    };
    return known;
  },
  fateOf({ pid, started }) {
    if (!isProcessAlive(pid)) return 'dead';
    if (started === '') return 'alive';
    // A /proc of another PID namespace, as in a new namespace without its own mount, is useless.
    if (follow('/proc/self') !== String(process.pid)) return 'unknown';
    const now = statOf(String(pid));
    // It has ended since, or /proc does not show the processes of others.
    if (now === undefined) return isProcessAlive(pid) ? 'unknown' : 'dead';
    // The number may be another process's by now; and one that has ended keeps its number until its parent looks.
    return now.started === started && !'ZX'.includes(now.state) ? 'alive' : 'dead';
  },
};

/** Whether a process of our own table is stopped (SIGSTOP); false if unknown. */
export function isStopped(pid: number): boolean {
  return statOf(String(pid))?.state === 'T';
}

/** The 3rd and the 22nd field of /proc/PID/stat, counted behind the name, which may hold anything. */
function statOf(process: string): { state: string; started: string } | undefined {
  const text = read(`/proc/${process}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state === undefined || started === undefined ? undefined : { state, started };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function follow(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Flags for processes of Node that we start, so that SIGUSR1 opens no debugger (see `debugger.ts`); Node 20 knows none. */
export const NO_DEBUGGER_FLAGS: readonly string[] = process.allowedNodeEnvironmentFlags.has(
  '--disable-sigusr1',
)
  ? ['--disable-sigusr1']
  : [];
