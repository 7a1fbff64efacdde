/** @file The way between one worker and the coordinator: delays, hold-ups, breaks; and what both kinds of calls share. */
import type { coordinatorCalls } from '../../coordinator/service/service.ts';
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

/** The connections of a worker, from one session to the next. */
export interface Wire {
  /** It swallows what is sent, either way, and nobody is told. */
  isDead: boolean;
}

/** Something that can be cut off. */
export interface Breakable {
  readonly wire: Wire;
  break(): void;
}

/** A worker's way to the coordinator: until when it lets nothing through, and what is open on it. */
export class Route {
  readonly #world: World;
  #wire: Wire = { isDead: false };
  readonly open = new Set<Breakable>();
  readonly #heldUntilMs: Record<Way, number> = { up: 0, down: 0 };

  constructor(world: World) {
    this.#world = world;
  }

  get wire(): Wire {
    return this.#wire;
  }

  /** Holds up what goes some way. */
  partition(ways: readonly Way[], durationMs: number): void {
    for (const way of ways) this.#heldUntilMs[way] = this.#world.timeline.nowMs + durationMs;
  }

  /** What is open swallows everything from now on, until the worker connects anew. */
  swallow(): void {
    this.#wire.isDead = true;
  }

  /** The worker connects anew. */
  reconnect(): void {
    this.#wire = { isDead: false };
  }

  /** The connections of this worker break, all at once. */
  break(): void {
    for (const connection of [...this.open]) if (!connection.wire.isDead) connection.break();
  }

  /** The time that a message takes. */
  delayMs(way: Way, kind: 'sure' | 'any'): number {
    const heldMs = Math.max(0, this.#heldUntilMs[way] - this.#world.timeline.nowMs);
    return heldMs + this.#world.delayMs(kind);
  }

  /** Delivers messages one behind the other, as one stream does. */
  lane(way: Way): (deliver: () => void) => void {
    const wire = this.#wire;
    let lastMs = 0;
    return (deliver) => {
      const { timeline } = this.#world;
      lastMs = Math.max(lastMs, timeline.nowMs + this.delayMs(way, 'sure'));
      this.#carry(wire, lastMs - timeline.nowMs, deliver);
    };
  }

  /** Delivers a message by itself, which others may overtake. */
  loose(way: Way): (deliver: () => void) => void {
    const wire = this.#wire;
    return (deliver) => this.#carry(wire, this.delayMs(way, 'any'), deliver);
  }

  #carry(wire: Wire, afterMs: number, deliver: () => void): void {
    this.#world.timeline.after(afterMs, () => {
      if (!wire.isDead) deliver();
    });
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
