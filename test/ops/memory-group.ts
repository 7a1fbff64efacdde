/** @file Processes that share so much memory (a cgroup, v1 or v2), and the kernel's kill of one of them. Needs root. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/memory';
const V2 = '/sys/fs/cgroup';
const isV1 = existsSync(join(V1, 'memory.limit_in_bytes'));
const LIMIT = isV1 ? 'memory.limit_in_bytes' : 'memory.max';
const USED = isV1 ? 'memory.usage_in_bytes' : 'memory.current';
const AMPLE = 4 * 2 ** 30;

let groups = 0;

/** A group with ample memory, until it is starved. */
export class MemoryGroup {
  readonly #folder: string;

  /** Makes it. Throws  an Error where that is not permitted. */
  constructor() {
    groups += 1;
    this.#folder = join(isV1 ? V1 : V2, `tessera-ops-${process.pid}-${groups}`);
    mkdirSync(this.#folder);
    this.#limit(AMPLE);
  }

  /** The command that becomes a process of the group. */
  get through(): string[] {
    return ['sh', '-c', `echo $$ > ${join(this.#folder, 'cgroup.procs')} && exec "$@"`, 'sh'];
  }

  /** Takes away the memory that is free; answers whether the kernel has killed `pid` for that, which it chooses first. */
  starve(pid: number): boolean {
    for (const other of this.#pids) this.#spare(other);
    try {
      writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
    } catch {
      this.#limit(AMPLE);
      return true;
    }
    try {
      this.#limit(Number(readFileSync(join(this.#folder, USED), 'utf8')));
    } catch {
      // They have taken more meanwhile.
    }
    return false;
  }

  get #pids(): string[] {
    return readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
  }

  #spare(pid: string): void {
    try {
      writeFileSync(`/proc/${pid}/oom_score_adj`, '-1000');
    } catch {
      // It has ended meanwhile.
    }
  }

  /** Removes it once its processes have ended; answers whether it is gone. */
  remove(): boolean {
    try {
      rmdirSync(this.#folder);
    } catch {
      return !existsSync(this.#folder);
    }
    return true;
  }

  #limit(bytes: number): void {
    writeFileSync(join(this.#folder, LIMIT), `${bytes}`);
  }
}

/** Why there can be no such group here; undefined where there can. */
export function memoryGroupsAreRefused(): string | undefined {
  try {
    new MemoryGroup().remove();
    return undefined;
  } catch (error) {
    return `no memory cgroup can be made here: ${error instanceof Error ? error.message : error}`;
  }
}
