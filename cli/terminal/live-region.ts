/** @file A few lines that stay at the bottom of a terminal while others are printed above them. */
import { harmless } from './output.ts';

/** Shortest time between two paints; a terminal shows no more anyway. */
const PAINT_MS = 100;
/** Repaints without changes, so that ages and times advance. */
const TICK_MS = 1000;

/** Width of a terminal that does not say how wide it is. */
const WIDTH_UNKNOWN = 80;

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_BELOW = '\x1b[J';
/** The terminal shows what is between these at once, without flicker; those that do not know them ignore them. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';

/** The part of a terminal that a window needs. */
export interface Terminal {
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Paints `view(width)` at the bottom of a terminal until it is closed. */
export class BottomWindow {
  readonly #terminal: Terminal;
  readonly #view: (width: number) => readonly string[];
  readonly #tick: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #painted = 0;
  #closed = false;
  readonly #restoreCursor = () => this.#terminal.write(SHOW_CURSOR);

  constructor(terminal: Terminal, view: (width: number) => readonly string[]) {
    this.#terminal = terminal;
    this.#view = view;
    this.#tick = setInterval(() => this.#paint(), TICK_MS).unref();
    // A second Ctrl-C ends the process where it stands: the cursor must come back even then.
    process.once('exit', this.#restoreCursor);
    terminal.write(HIDE_CURSOR);
    this.#paint();
  }

  /** There is news: paints soon. */
  refresh(): void {
    if (this.#closed) return;
    this.#soon ??= setTimeout(() => this.#paint(), PAINT_MS).unref();
  }

  /** Prints a line above the window, to stay. */
  print(line: string): void {
    this.#paint(`${harmless(line)}\n`);
  }

  /** Takes the window away and gives the terminal back. */
  close(): void {
    if (this.#closed) return;
    clearInterval(this.#tick);
    clearTimeout(this.#soon);
    this.#terminal.write(`${this.#erase()}${SHOW_CURSOR}`);
    this.#closed = true;
    process.off('exit', this.#restoreCursor);
  }

  #paint(above = ''): void {
    if (this.#closed) return void this.#terminal.write(above);
    clearTimeout(this.#soon);
    this.#soon = undefined;
    const lines = this.#view(this.#terminal.columns || WIDTH_UNKNOWN);
    const body = lines.map((line) => `${harmless(line)}\n`).join('');
    this.#terminal.write(`${BEGIN_UPDATE}${this.#erase()}${above}${body}${END_UPDATE}`);
    this.#painted = lines.length;
  }

  #erase(): string {
    const up = this.#painted === 0 ? '' : `\x1b[${this.#painted}A`;
    this.#painted = 0;
    return `\r${up}${CLEAR_BELOW}`;
  }
}
