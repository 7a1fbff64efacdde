/** @file Shows a download as it goes: a bar at the bottom of a terminal, a line now and then everywhere else. */

import { formatBytes } from '../../shared/core/units.ts';
import type { DownloadProgress } from '../../tools/downloads/download.ts';
import { BottomWindow } from '../terminal/live-region.ts';
import { isQuiet } from '../terminal/manners.ts';
import { say } from '../terminal/output.ts';

/** Off a terminal: shortest time between two lines. */
const LINE_MS = 5000;
const BAR_WIDTH = 28;

/** Shows the progress of a download. */
export class GetProgress {
  readonly #window: BottomWindow | undefined;
  readonly #nowMs: () => number;
  #view = '';
  #saidMs: number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#saidMs = nowMs();
    const isWindow = process.stderr.isTTY && !isQuiet();
    this.#window = isWindow
      ? new BottomWindow(process.stderr, (width) => [this.#view.slice(0, width - 1)])
      : undefined;
  }

  bytes(file: string, progress: DownloadProgress): void {
    this.#show(`${file}  ${amountOf(progress)}`);
  }

  files(what: string, count: number): void {
    this.#show(`${what}: ${count} files`);
  }

  line(text: string): void {
    if (this.#window === undefined) say(text);
    else this.#window.print(text);
  }

  close(): void {
    this.#window?.close();
  }

  #show(text: string): void {
    this.#view = text;
    this.#window?.refresh();
    if (this.#window !== undefined || this.#nowMs() - this.#saidMs < LINE_MS) return;
    this.#saidMs = this.#nowMs();
    say(text);
  }
}

/** `[######......]  12.0 MiB of 50.0 MiB (24%)`, or only the received size if the total is unknown. */
export function amountOf({ bytes, total }: DownloadProgress): string {
  if (total === undefined || total === 0) return formatBytes(bytes);
  const fraction = Math.min(1, bytes / total);
  const full = Math.round(fraction * BAR_WIDTH);
  const bar = '#'.repeat(full) + '.'.repeat(BAR_WIDTH - full);
  return `[${bar}]  ${formatBytes(bytes)} of ${formatBytes(total)} (${Math.floor(fraction * 100)}%)`;
}
