/** @file The processor time of a process's main thread and of what it started, as Linux counts it: waiting does not blur it. */
import { readFileSync } from 'node:fs';

/** Units  milliseconds; those of helpers in steps of 10. */
export interface ProcessorTime {
  /** Of the main thread. */
  readonly main: number;
  /** Of processes that it started: those that have ended, and living ones whose command line has a word. */
  readonly helpers: number;
  /** Living processes that it started, without those. */
  readonly others: number;
}

const TICK_MS = 10;
/** Places in /proc/PID/stat after the name of the command. */
const [USER, SYSTEM, USER_OF_ENDED, SYSTEM_OF_ENDED] = [11, 12, 13, 14];

/** The time that a process has used until now; undefined where there is no such process, or no /proc. */
export function processorTimeOf(pid: number, helper: string): ProcessorTime | undefined {
  try {
    const children = childrenOf(pid);
    const living = children.filter((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(helper),
    );
    const helpers = living.map((child) => ticks(fieldsOf(child), USER, SYSTEM));
    return {
      main: Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
      helpers:
        TICK_MS *
        helpers.reduce(
          (sum, some) => sum + some,
          ticks(fieldsOf(pid), USER_OF_ENDED, SYSTEM_OF_ENDED),
        ),
      others: children.length - living.length,
    };
  } catch {
    return undefined;
  }
}

function fieldsOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

const ticks = (fields: readonly number[], ...places: readonly number[]) =>
  places.reduce((sum, place) => sum + (fields[place] ?? Number.NaN), 0);
