/** @file The way between one worker and the coordinator: delays, hold-ups, breaks; and what both kinds of calls share. */
import type { coordinatorCalls } from '../../coordinator/service.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** A coordinator that listens. */
export interface Listener {
  readonly host: Host;
  readonly calls: ReturnType<typeof coordinatorCalls>;
}

/** Which way a message goes: to the coordinator, or to the worker. */
export type Way = 'up' | 'down';

/** Something that can be cut off. */
export interface Breakable {
  break(): void;
}

/** Until when each way between a worker and the coordinator lets nothing through. */
export class Route {
  readonly #world: World;
  readonly open = new Set<Breakable>();
  readonly #heldUntilMs: Record<Way, number> = { up: 0, down: 0 };

  constructor(world: World) {
    this.#world = world;
  }

  /** Holds up what goes some way; a hold-up longer than the keepalive breaks what is open. */
  partition(ways: readonly Way[], durationMs: number, keepaliveMs: number): void {
    const { timeline } = this.#world;
    for (const way of ways) this.#heldUntilMs[way] = timeline.nowMs + durationMs;
    if (durationMs > keepaliveMs) timeline.after(keepaliveMs, () => this.break());
  }

  /** The connections of this worker break, all at once. */
  break(): void {
    for (const connection of [...this.open]) connection.break();
  }

  /** The time that a message takes. */
  delayMs(way: Way, kind: 'sure' | 'any'): number {
    const heldMs = Math.max(0, this.#heldUntilMs[way] - this.#world.timeline.nowMs);
    return heldMs + this.#world.delayMs(kind);
  }

  /** Delivers messages one behind the other, as one stream does. */
  lane(way: Way): (deliver: () => void) => void {
    let lastMs = 0;
    return (deliver) => {
      const { timeline } = this.#world;
      lastMs = Math.max(lastMs, timeline.nowMs + this.delayMs(way, 'sure'));
      timeline.after(lastMs - timeline.nowMs, deliver);
    };
  }
}

/** Sends each message as the bytes that gRPC would send. */
export function throughBytes(
  serialize: (message: never) => Buffer,
  deserialize: (bytes: Buffer) => unknown,
) {
  return (message: unknown) => deserialize(serialize(message as never));
}

/** The error that a client gets for what a handler threw. */
export function asSeenByCaller(error: unknown): TesseraError {
  const known = TesseraError.from(error);
  return known.code === 'INTERNAL'
    ? new TesseraError('INTERNAL', 'internal error of the server')
    : known;
}

/** The error of a call whose coordinator is not there (any more). */
export function unreachable(what: string): TesseraError {
  return new TesseraError('COORDINATOR_UNREACHABLE', `${what}: the connection was lost`);
}
