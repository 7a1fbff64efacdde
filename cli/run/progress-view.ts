/** @file The progress of a run as lines of text: what the window at the bottom of a terminal shows. Pure. */
import type { RunStatus } from '../../shared/contract/status.ts';
import { formatDuration, formatNumber, formatPercent } from '../../shared/core/units.ts';

/** What the view is drawn from. */
export interface ProgressState {
  readonly status: RunStatus;
  /** Loss of every step so far, or of the newest ones, oldest first. */
  readonly losses: readonly number[];
}

const SPARKS = '▁▂▃▄▅▆▇█';
const SPARKLINE_WIDTH_MAX = 24;

/** The window's lines, none longer than `width`: a bar, the numbers of training, who works and how long. */
export function view({ status, losses }: ProgressState, width: number): string[] {
  const room = Math.max(0, Math.min(SPARKLINE_WIDTH_MAX, width - 40));
  return [
    barLine(status, width),
    joined([
      `  loss ${formatNumber(status.loss, 4)}`,
      sparkline(losses, room),
      `acc ${formatPercent(status.trainAccuracy)}`,
      Number.isNaN(status.validationAccuracy)
        ? ''
        : `validation ${formatPercent(status.validationAccuracy)}`,
      Number.isNaN(status.testAccuracy) ? '' : `test ${formatPercent(status.testAccuracy)}`,
    ]),
    joined([
      `  ${formatNumber(status.imagesPerSecond, 0)} img/s`,
      workersPart(status),
      `eta ${Number.isFinite(status.etaSeconds) ? formatDuration(status.etaSeconds) : '-'}`,
      `time ${formatDuration(status.seconds)}`,
    ]),
  ].map((line) => clipped(line, width));
}

function barLine(status: RunStatus, width: number): string {
  const percent = status.stepsTotal === 0 ? 0 : status.step / status.stepsTotal;
  const words = joined([
    `${String(Math.floor(percent * 100)).padStart(3)}%`,
    `step ${status.step}/${status.stepsTotal}`,
    `epoch ${status.epoch}/${status.epochsTotal}`,
    status.phase,
  ]);
  const cells = Math.max(0, Math.min(30, width - words.length - 3));
  const full = Math.round(percent * cells);
  const bar = `${'━'.repeat(full)}${'─'.repeat(cells - full)}`;
  return cells < 5 ? words : `${bar} ${words}`;
}

function workersPart({ workers }: RunStatus): string {
  const joining = workers.filter((worker) => worker.state === 'joining').length;
  return `workers ${workers.length}${joining === 0 ? '' : ` (${joining} joining)`}`;
}

/** The newest values as a row of bars, at most `width`; the lowest bar is the smallest value shown. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = averaged(values.filter(Number.isFinite), width);
  const low = Math.min(...shown);
  const range = Math.max(...shown) - low;
  return shown
    .map((value) => {
      const height = range === 0 ? 0 : Math.round(((value - low) / range) * (SPARKS.length - 1));
      return SPARKS[height];
    })
    .join('');
}

/** At most `count` means of neighbouring values: a whole run fits in a few bars. */
function averaged(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, bar) => {
    const first = Math.floor((bar * values.length) / count);
    const end = Math.floor(((bar + 1) * values.length) / count);
    const group = values.slice(first, end);
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('  ');
}

/** A line that wraps would break the counting of lines that the window relies on. */
function clipped(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
