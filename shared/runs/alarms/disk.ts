/** @file The alarm about a disk that will be full before the end of a run. Pure. */
import { formatBytes } from '../../core/units.ts';
import {
  type AlarmChange,
  type AlarmFacts,
  type AlarmInput,
  type AlarmRule,
  type DiskRoom,
  over,
  raised,
} from './alarm.ts';

/** What else fills the disk is known from looks over so long, and so many of them. */
const LOOKS_MS = 10 * 60_000;
const LOOKS_MIN = 5;
const LOOKS_MAX = 30;
/** It is over once so much more is free than is needed. */
const OVER_SHARE = 1.2;

interface Look extends DiskRoom {
  readonly step: number;
  readonly atMs: number;
}

/** The disk of the run folder has less room than the checkpoints to come and whatever else fills it will take. */
export class DiskFull implements AlarmRule {
  readonly name = 'diskFull';
  readonly #facts: AlarmFacts;
  readonly #looks: Look[] = [];
  #step = 0;
  #checkpointBytes = 0;
  /** Steps between the last two checkpoints. */
  #between: number | undefined;
  #savedStep: number | undefined;
  #isRaised = false;

  constructor(facts: AlarmFacts) {
    this.#facts = facts;
  }

  take(input: AlarmInput, nowMs: number): AlarmChange | undefined {
    if (input.type === 'step') this.#step = input.step;
    if (input.type === 'checkpoint') {
      const { step, bytes } = input;
      if (this.#savedStep !== undefined && step > this.#savedStep)
        this.#between = step - this.#savedStep;
      this.#savedStep = step;
      this.#checkpointBytes = bytes;
    }
    return input.type === 'room'
      ? this.#look({ ...input, step: this.#step, atMs: nowMs })
      : undefined;
  }

  #look(look: Look): AlarmChange | undefined {
    this.#looks.push(look);
    if (this.#looks.length > LOOKS_MAX) this.#looks.shift();
    const stepsLeft = this.#facts.totalSteps - look.step;
    const needed = this.#checkpointsToCome(look, stepsLeft) + this.#othersToCome(look, stepsLeft);
    const { freeBytes } = look;
    if (this.#isRaised && freeBytes > OVER_SHARE * needed) {
      this.#isRaised = false;
      return over(`the disk has room for the rest of the run again: ${formatBytes(freeBytes)}`);
    }
    if (this.#isRaised || freeBytes >= needed) return undefined;
    this.#isRaised = true;
    return raised(
      `the disk of the run folder will be full before the end: ${formatBytes(freeBytes)} are free, and the ${stepsLeft} steps to come need about ${formatBytes(needed)}`,
    );
  }

  /** The newest ones and the best one stay, and the next is written before an old one goes. */
  #checkpointsToCome({ checkpoints }: Look, stepsLeft: number): number {
    if (stepsLeft <= 0) return 0;
    const toCome = Math.ceil(stepsLeft / (this.#between ?? stepsLeft));
    const room = Math.max(1, this.#facts.keptCheckpoints + 2 - checkpoints);
    return Math.min(toCome, room) * this.#checkpointBytes;
  }

  /** What fills the disk besides, at the pace of the last looks. */
  #othersToCome(look: Look, stepsLeft: number): number {
    const [first] = this.#looks;
    if (first === undefined || this.#looks.length < LOOKS_MIN) return 0;
    if (look.atMs - first.atMs < LOOKS_MS || look.step === first.step) return 0;
    const ours = (look.checkpoints - first.checkpoints) * this.#checkpointBytes;
    const others = Math.max(0, first.freeBytes - look.freeBytes - ours);
    return (others / (look.step - first.step)) * Math.max(0, stepsLeft);
  }
}
