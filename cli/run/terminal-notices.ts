/** @file The terminal's own notification of what happens to a run, and its bell. */
import type { ObserveConfig } from '../../shared/config/observe.ts';
import { type Clock, systemClock } from '../../shared/core/clock.ts';
import { oneLine } from '../../shared/core/text.ts';
import { type Notice, Notices } from '../../shared/runs/notices/notices.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';

/** The part of a terminal that is needed. */
interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const TICK_MS = 5000;
const TEXT_MAX = 200;
/** Terminals that know it show a notification; the others ignore what is up to its end. */
const NOTIFICATION = '\x1b]9;';
const NOTIFICATION_END = '\x1b\\';
const BELL = '\x07';

/** Notifies by a terminal; none where there is no terminal. */
export function terminalNotices(
  { quietMinutes }: ObserveConfig,
  terminal: Terminal,
  clock: Clock = systemClock,
): RunObserver[] {
  if (terminal.isTTY !== true) return [];
  const notices = new Notices(quietMinutes * 60_000);
  const show = (all: readonly Notice[]) => {
    for (const { sentence } of all) {
      const text = oneLine(`tessera: ${sentence}`).slice(0, TEXT_MAX);
      terminal.write(`${NOTIFICATION}${text}${NOTIFICATION_END}${BELL}`);
    }
  };
  const stop = clock.every(TICK_MS, () => {
    show(notices.tick(clock.nowMs(), new Date().toISOString()));
  });
  return [
    {
      name: 'notifications of the terminal',
      event: (event) => show(notices.take(event, clock.nowMs())),
      close: stop,
    },
  ];
}
