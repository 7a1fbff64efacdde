/** @file Shows a run as it goes: a window at the bottom of a terminal, lines everywhere else. Everything on stderr. */

import type { RunStatus } from '../../shared/contract/status.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { BottomWindow } from '../terminal/live-region.ts';
import { isQuiet } from '../terminal/manners.ts';
import { paint, say } from '../terminal/output.ts';
import { eventLine, type Mood, stepLine } from './progress-lines.ts';
import { view } from './progress-view.ts';

/** Off a terminal: longest time without a line while steps are made. */
const LINE_MS = 5000;
/** Losses kept for the sparkline. */
const LOSSES_MAX = 2000;
/** A data set full of unreadable images must not drown everything else; the summary has their number. */
const BAD_SAMPLES_SHOWN = 10;

type StepEvent = Extract<RunEvent, { type: 'step' }>;

/** A display of the events of a run. */
export interface Display {
  /** The run can be asked how it is doing from now on. */
  attach(status: () => RunStatus): void;
  event(event: RunEvent): void;
  line(text: string): void;
  close(): void;
}

/** The display that fits stderr. */
export function createDisplay(): Display {
  const isWindow = process.stderr.isTTY && !isQuiet();
  return isWindow ? new WindowDisplay() : new LineDisplay(() => performance.now());
}

const SYMBOLS: Readonly<Record<Mood, string>> = { good: '✔', plain: '●', warning: '⚠', bad: '✖' };
const COLOURS = { good: 'green', plain: 'blue', warning: 'yellow', bad: 'red' } as const;

/** Words for what happens beside the steps: repeats are left out. */
class EventWords {
  #phase = '';
  #badSamples = 0;

  of(event: Exclude<RunEvent, { type: 'step' }>): string | undefined {
    if (event.type === 'badSample' && ++this.#badSamples > BAD_SAMPLES_SHOWN) {
      if (this.#badSamples > BAD_SAMPLES_SHOWN + 1) return undefined;
      const more =
        'more images cannot be read: they are counted, and metrics.jsonl names the first 1000';
      return `${paint(COLOURS.warning, SYMBOLS.warning)} ${more}`;
    }
    if (event.type === 'phase' && !this.#isNews(event.phase)) return undefined;
    const line = eventLine(event);
    if (line === undefined) return undefined;
    return `${paint(COLOURS[line.mood], SYMBOLS[line.mood])} ${line.text}`;
  }

  /** Training after an evaluation or a checkpoint is expected, and not announced. */
  #isNews(phase: string): boolean {
    const isExpected = phase === 'training' && ['evaluating', 'saving'].includes(this.#phase);
    this.#phase = phase;
    return !isExpected;
  }
}

class WindowDisplay implements Display {
  readonly #words = new EventWords();
  readonly #losses: number[] = [];
  #window: BottomWindow | undefined;

  attach(status: () => RunStatus): void {
    this.#window = new BottomWindow(process.stderr, (width) =>
      view({ status: status(), losses: this.#losses }, width),
    );
  }

  event(event: RunEvent): void {
    if (event.type === 'step') {
      this.#losses.push(event.loss);
      if (this.#losses.length > LOSSES_MAX) this.#losses.shift();
      this.#window?.refresh();
      return;
    }
    const words = this.#words.of(event);
    if (words !== undefined) this.line(words);
  }

  line(text: string): void {
    if (this.#window === undefined) say(text);
    else this.#window.print(text);
  }

  close(): void {
    this.#window?.close();
    this.#window = undefined;
  }
}

/** A line at the end of an epoch, at least one every few seconds, and one for every other event. */
export class LineDisplay implements Display {
  readonly #words = new EventWords();
  readonly #nowMs: () => number;
  readonly #say: (line: string) => void;
  #status: (() => RunStatus) | undefined;
  #saidMs: number;
  #untold: StepEvent | undefined;

  constructor(nowMs: () => number, sayLine: (line: string) => void = say) {
    this.#nowMs = nowMs;
    this.#say = sayLine;
    this.#saidMs = nowMs();
  }

  attach(status: () => RunStatus): void {
    this.#status = status;
  }

  event(event: RunEvent): void {
    if (event.type === 'step') {
      this.#step(event);
      return;
    }
    const words = this.#words.of(event);
    if (words === undefined) return;
    this.#showStep();
    this.line(words);
  }

  line(text: string): void {
    this.#say(text);
  }

  close(): void {
    this.#showStep();
  }

  #step(event: StepEvent): void {
    if (this.#untold !== undefined && this.#untold.epoch !== event.epoch) this.#showStep();
    this.#untold = event;
    if (this.#nowMs() - this.#saidMs >= LINE_MS) this.#showStep();
  }

  #showStep(): void {
    const step = this.#untold;
    const status = this.#status?.();
    if (step === undefined || status === undefined) return;
    this.#untold = undefined;
    this.#saidMs = this.#nowMs();
    const { stepsTotal, etaSeconds, workers } = status;
    this.line(stepLine(step, { stepsTotal, etaSeconds, workers: workers.length }));
  }
}
