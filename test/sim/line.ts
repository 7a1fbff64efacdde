/** @file One session between a simulated worker and a simulated coordinator: messages get lost, come twice, come late. */
import type { World } from './world.ts';

/** One end of a line. */
export interface End {
  /** The line is gone; called once, when this end notices. */
  onBroken(line: Line): void;
}

/** A session. What is sent reaches the other end only while the line stands. */
export class Line {
  isOpen = true;
  readonly #world: World;
  readonly #ends: readonly End[];

  constructor(world: World, ends: readonly End[]) {
    this.#world = world;
    this.#ends = ends;
  }

  /** A message that arrives, and in order, unless the line breaks: the handshake and the farewell. */
  sendSafely(deliver: () => void): void {
    this.#deliverAfter(this.#world.delayMs('sure'), deliver);
  }

  /** A message that may be lost, repeated or late: a level, which the next one replaces. */
  send(deliver: () => void): void {
    const copies = this.#world.copiesOfMessage();
    for (let copy = 0; copy < copies; copy += 1) {
      this.#deliverAfter(this.#world.delayMs('any'), deliver);
    }
  }

  /** Breaks the line; both ends notice, each in its own time. */
  break(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const end of this.#ends) {
      this.#world.timeline.after(this.#world.delayMs('any'), () => end.onBroken(this));
    }
  }

  #deliverAfter(delayMs: number, deliver: () => void): void {
    this.#world.timeline.after(delayMs, () => {
      if (this.isOpen) deliver();
    });
  }
}
