/**
 * @file How often the kernel has ended processes for lack of memory, by its own counters. Pure.
 *
 * Source  the kernel's admin-guide/cgroup-v2 (memory.events) and cgroup-v1/memory (memory.oom_control), proc_vmstat(5).
 */
import { type CgroupTexts, groupsAround } from './cgroup.ts';

/** What the counters say at one moment. */
export interface MemoryKills {
  /** Processes of our control group that were killed, or of the whole machine where no group counts. */
  readonly kills: number;
  /** Whether that is about our control group alone. */
  readonly isOurs: boolean;
  /** The smallest limit around us. Units  bytes; Infinity without one. */
  readonly limitBytes: number;
}

/** Reads the counters; undefined on a system that has none. */
export function memoryKills(texts: CgroupTexts): MemoryKills | undefined {
  const { read } = texts;
  const around = groupsAround(texts, 'memory');
  const limits = around.flatMap(({ version, folders }) =>
    folders.map((folder) => limitIn(read(`${folder}/${LIMITS[version]}`))),
  );
  const limitBytes = Math.min(Number.POSITIVE_INFINITY, ...limits);
  for (const { version, folders } of around) {
    const [ours] = folders;
    for (const name of COUNTERS[version]) {
      const kills = countIn(read(`${ours}/${name}`));
      if (kills !== undefined) return { kills, isOurs: true, limitBytes };
    }
  }
  const kills = countIn(read('/proc/vmstat'));
  return kills === undefined ? undefined : { kills, isOurs: false, limitBytes };
}

const LIMITS = { 1: 'memory.limit_in_bytes', 2: 'memory.max' } as const;
/** The group's own counter before the one that has the groups below it too: our workers are in our group. */
const COUNTERS = {
  1: ['memory.oom_control'],
  2: ['memory.events.local', 'memory.events'],
} as const;
/** Version 1 writes the largest number of pages for no limit. */
const NO_LIMIT_BYTES = 2 ** 62;

function countIn(text: string | undefined): number | undefined {
  const digits = /^oom_kill (\d+)$/m.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function limitIn(text: string | undefined): number {
  const bytes = Number((text ?? '').trim() || Number.NaN);
  return bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : Number.POSITIVE_INFINITY;
}
