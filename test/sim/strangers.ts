/**
 * @file People who meddle with a run: they start a second coordinator on it, remove it, copy its folder, in another shell, in
 * another container of the same host name, on another machine.
 */

import { TesseraError } from '../../shared/core/errors.ts';
import type { Disk } from '../../shared/files/disk.ts';
import type { ProcessIdentity } from '../../shared/machine/processes.ts';
import { type HeldLock, holderOf } from '../../shared/runs/lock/lock.ts';
import { lockRun, removeRun } from '../../shared/runs/lock/run-lock.ts';
import { stateFromFolder } from '../../shared/runs/reader/read.ts';
import type { SimCoordinator } from './coordinator.ts';
import { Host } from './host.ts';
import { LOCK_TIMES } from './locks.ts';
import { check } from './violation.ts';
import type { World } from './world.ts';

/** Every container and machine has this one. */
const HOST_NAME = 'train';
const { touchMs, staleMs } = LOCK_TIMES;
/** Waits for the disk, and clocks that go wrong by a quarter. */
const SLACK_MS = 600;
/** A process that wakes goes on with the call that it slept in. */
const WAKING_MS = 50;
/** What a coordinator that lost its run may need to end, a save under way included. */
const ENDING_MS = 2_000;

/** Where a process runs. */
type Place = 'here' | 'container' | 'machine';

/** The processes of people, and what holds for their coordinators. */
export class Strangers {
  readonly #world: World;
  readonly #runFolder: string;
  /** Of the machine, which starts anew when its power fails. */
  #boot = 1;
  #numTables = 1;
  /** By the machine's start. */
  readonly #numProcesses = new Map<string, number>();
  #numCopies = 0;
  #numOperators = 0;
  /** Those who are about to remove the run. */
  readonly #operators = new Set<Host>();
  /** Since when no process that lives holds the run. */
  #freeSinceMs = 0;
  /** Coordinators that do not serve the run: they are about to be refused, or have lost it. */
  readonly others = new Set<SimCoordinator>();

  constructor(world: World, runFolder: string) {
    this.#world = world;
    this.#runFolder = runFolder;
  }

  /** Whether there are any: worlds without them are as they were before there were locks here. */
  get isThere(): boolean {
    return this.#world.settings.strangers !== undefined;
  }

  /** A new process. In a container it is number 1, as the one before it was. */
  identity(where: Place = this.#anyPlace()): ProcessIdentity {
    const boot = where === 'machine' ? 'elsewhere' : `boot-${this.#boot}`;
    const number = (this.#numProcesses.get(boot) ?? 0) + 1;
    this.#numProcesses.set(boot, number);
    const own = { host: HOST_NAME, pid: 100 + number, started: String(number) };
    if (where === 'here') return { ...own, boot, table: 'root', mounts: 'root' };
    this.#numTables += 1;
    const table = `table-${this.#numTables}`;
    return { host: HOST_NAME, pid: 1, started: '5', boot, table, mounts: table };
  }

  #anyPlace(): Place {
    if (!this.isThere) return 'here';
    return (['here', 'here', 'container', 'machine'] as const)[
      this.#world.dice.lock.integer(0, 3)
    ]!;
  }

  /** Asked ten times a second. */
  strike(): void {
    const { settings, dice } = this.#world;
    if (settings.strangers === undefined) return;
    const { startPerSecond, copyPerSecond, removePerSecond } = settings.strangers;
    const happens = (perSecond: number) => dice.lock.chance(perSecond / 10);
    if (happens(startPerSecond)) this.#world.startRival();
    if (happens(copyPerSecond)) void this.#useCopy();
    if (happens(removePerSecond)) void this.#remove();
  }

  /** Power fails: all of the machine's processes end, and numbers of processes begin anew. */
  crash(): void {
    this.#world.locks.crash();
    for (const other of this.others) other.host.kill();
    for (const operator of this.#operators) operator.kill();
    this.others.clear();
    this.#operators.clear();
    if (!this.isThere || !this.#world.dice.lock.chance(0.5)) return;
    this.#boot += 1;
  }

  /** A coordinator holds the run from now on. */
  took(coordinator: SimCoordinator): void {
    for (const before of this.#holders()) {
      if (before !== coordinator) this.#takenFrom(before, coordinator.identity);
    }
  }

  /** A coordinator was refused. */
  refused(coordinator: SimCoordinator): void {
    coordinator.host.kill();
    this.others.delete(coordinator);
    this.#world.counts.rivalsRefused += 1;
    const freeMs = this.#isHeld() ? 0 : this.#world.timeline.nowMs - this.#freeSinceMs;
    check(freeMs < staleMs + SLACK_MS, `a run whose coordinator is dead is free, and was refused`);
  }

  /** A process that held the run lives no more, or has let go. */
  freed(): void {
    if (!this.#isHeld()) this.#freeSinceMs = this.#world.timeline.nowMs;
  }

  /** What a coordinator does on the disk; one that has lost the run removes nothing of it. */
  guard(disk: Disk, coordinator: SimCoordinator): Disk {
    if (!this.isThere) return disk;
    return {
      ...disk,
      rename: async (from, to) => {
        await disk.rename(from, to);
        if (!this.others.has(coordinator) || !`${from} ${to}`.includes('step-')) return;
        const { oracle } = this.#world;
        const step = (path: string) => Number(/step-(\d+)$/.exec(path)?.[1] ?? 0);
        if (!to.includes('.gone-')) oracle.finishedLate('saved', step(to));
        else {
          oracle.finishedLate('removed', step(from));
          const isWaking = coordinator.host.awakeMs < WAKING_MS;
          this.#world.watch(() =>
            check(isWaking, `P3: only the coordinator that holds the run removes ${from}`),
          );
        }
      },
    };
  }

  /** Asks a lock whether it is still its holder's. */
  async confirm(lock: HeldLock, coordinator: SimCoordinator): Promise<void> {
    const { wasLost } = coordinator;
    await lock.confirm();
    this.#world.watch(() => check(!wasLost, 'what has lost its run writes nothing there'));
  }

  /** Somebody lists the runs while a coordinator says in what phase it is. */
  async look(phase: string): Promise<void> {
    if (!this.isThere) return;
    const world = this.#world;
    const host = new Host('look', world.timeline);
    const { coordinator } = world;
    const parts = world.locks.partsFor(host, this.identity('here'));
    const holder = await holderOf(`${this.#runFolder}/coordinator.lock`, parts);
    if (world.coordinator !== coordinator || !coordinator?.isHolding || !coordinator.host.isAlive)
      return;
    // A lock that its holder elsewhere cannot touch looks stale for a while.
    if (world.timeline.nowMs - world.locks.touchedMs(coordinator.host) > staleMs) return;
    const state = stateFromFolder(holder, phase === 'done' ? phase : undefined);
    world.watch(() => check(state === 'running', `a run that is held is running, not ${state}`));
  }

  #holders(): SimCoordinator[] {
    const { coordinator } = this.#world;
    const all = coordinator === undefined ? [...this.others] : [coordinator, ...this.others];
    return all.filter(({ host, isHolding }) => host.isAlive && isHolding);
  }

  #isHeld(): boolean {
    return this.#holders().length > 0 || this.#operators.size > 0;
  }

  /** Nothing is taken from who lives, unless it lives elsewhere and has not touched its lock for long. */
  #takenFrom(before: SimCoordinator, by: ProcessIdentity): void {
    const world = this.#world;
    world.counts.takenOver += 1;
    world.watch(() => {
      const isNear = before.identity.boot === by.boot && before.identity.table === by.table;
      const silentMs = world.timeline.nowMs - world.locks.touchedMs(before.host);
      const isLeft = before.wasLost || (!isNear && silentMs >= staleMs - touchMs);
      check(
        isLeft,
        `a run has one coordinator: one that touched its lock ${silentMs} ms ago lost it`,
      );
    });
    before.wasLost = true;
    this.others.add(before);
    this.#mustEnd(before);
  }

  /** A coordinator that has lost its run ends soon after it has woken. */
  #mustEnd(lost: SimCoordinator): void {
    const { timeline } = this.#world;
    timeline.after(touchMs, () => {
      if (!lost.host.isAlive || this.#world.isFinished) return;
      const isLate = lost.host.awakeMs > touchMs + ENDING_MS;
      this.#world.watch(() => check(!isLate, 'a coordinator that has lost its run ends'));
      this.#mustEnd(lost);
    });
  }

  /** Somebody copies the folder of the run, and goes on with the copy. */
  async #useCopy(): Promise<void> {
    const world = this.#world;
    this.#numCopies += 1;
    world.counts.copies += 1;
    const copy = `/runs/copy-${this.#numCopies}`;
    world.locks.copy(this.#runFolder, copy);
    const { nowMs: sinceMs } = world.timeline;
    const identity = this.identity();
    const host = new Host('copier', world.timeline);
    const parts = world.locks.partsFor(host, identity);
    const holder = world.coordinator?.isHolding ? world.coordinator.identity : undefined;
    try {
      const lock = await lockRun(copy, parts, nothingThere);
      const isNear = holder?.mounts === identity.mounts && holder.boot === identity.boot;
      const limitMs = isNear && world.locks.isLasting ? SLACK_MS : staleMs + SLACK_MS;
      const tookMs = world.timeline.nowMs - sinceMs;
      check(tookMs <= limitMs, `a copy is free in time, not after ${tookMs} ms`);
      await lock.release();
    } catch (error) {
      world.fail(error);
    }
  }

  /** Somebody removes the run. */
  async #remove(): Promise<void> {
    const world = this.#world;
    const { locks, timeline } = world;
    this.#numOperators += 1;
    const host = new Host('operator', timeline);
    this.#operators.add(host);
    const identity = this.identity();
    const real = world.storage.for(host, 10_000 + this.#numOperators, {
      errorPerCall: 0,
      isFull: false,
    });
    const disk: Disk = {
      ...real,
      rename: async (from, to) => {
        await real.rename(from, to);
        if (from !== this.#runFolder) return;
        for (const holder of this.#holders()) this.#takenFrom(holder, identity);
        locks.renamed(from);
        world.removed();
      },
    };
    try {
      await removeRun(this.#runFolder, locks.partsFor(host, identity), disk);
      world.watch(() => {
        const left = locks.namesIn(this.#runFolder);
        check(left.length === 0, `a run that was removed leaves nothing, not ${left}`);
        check(locks.isGone(this.#runFolder), 'a run that was removed is not made again');
      });
    } catch (thrown) {
      const { code } = TesseraError.from(thrown);
      world.counts.removalsRefused += 1;
      // Nothing was saved yet: there is no folder. The lock was taken all the same.
      if (code === 'CANNOT_WRITE')
        for (const holder of this.#holders()) this.#takenFrom(holder, identity);
      if (code !== 'RUN_IN_USE' && code !== 'CANNOT_WRITE') world.fail(thrown);
    }
    host.kill();
    this.#operators.delete(host);
    this.freed();
  }
}

const nothingThere = { exists: () => true } as unknown as Disk;
