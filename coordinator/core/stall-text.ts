/** @file The message about a stalled run: which worker holds what, since when, and the last errors. */

import { oneLine } from '../../shared/core/text.ts';
import { formatSpan } from '../../shared/core/units.ts';
import type { LeafRange } from '../../shared/core/work.ts';
import type { Task } from './plan.ts';
import type { OpenWork } from './stall.ts';

/** A worker, as far as it explains why nothing moves. */
export interface StalledWorker {
  readonly worker: string;
  readonly state: 'preparing' | 'idle' | 'holding';
  /** Since it joined, or since it last brought something. */
  readonly sinceMs: number;
  readonly silentMs: number;
  readonly leaves: readonly LeafRange[];
  /** Under way now. */
  readonly transfers: readonly { readonly kind: 'pushes' | 'pulls'; readonly sinceMs: number }[];
  /** Empty where it has none. */
  readonly lastError: string;
}

/** Something that happened to a worker that is not there. */
export interface Absence {
  readonly who: string;
  readonly reason: string;
  readonly agoMs: number;
}

/** What a stall is explained by. */
export interface StallFacts {
  readonly work: OpenWork;
  readonly stalledMs: number;
  readonly workers: readonly StalledWorker[];
  /** The last one that went. */
  readonly gone: Absence | undefined;
  /** The last one that was not let in. */
  readonly refused: Absence | undefined;
  /** Where checkpoints are written and read. */
  readonly place: string;
}

const NAMED_MAX = 5;
const RANGES_MAX = 3;
const REASON_CHARS_MAX = 200;
/** A worker that is silent for this long is mentioned. */
const SILENT_MS = 3_000;

/** Why nothing moves, in one line. */
export function stallText(facts: StallFacts): string {
  const { work, stalledMs } = facts;
  const what = COMPLETIONS[work.task ?? 'finish'];
  const parts = work.isAwaited ? [awaitedText(facts)] : [workText(work), ...workerTexts(facts)];
  return oneLine(`no ${what} for ${formatSpan(stalledMs)}: ${parts.join('; ')}`);
}

const COMPLETIONS: Readonly<Record<Task, string>> = {
  train: 'step has completed',
  validate: 'part of an evaluation has come',
  test: 'part of an evaluation has come',
  save: 'checkpoint has been written',
  finish: 'end has come',
};

/** What the coordinator itself is at. */
function awaitedText({ work, place }: StallFacts): string {
  const { task, version } = work;
  if (task === 'save') return `version ${version} is on its way to ${place}: is that disk there?`;
  if (task === 'test') return `the best version is being read from ${place}: is that disk there?`;
  return `all leaves of step ${version + 1} are in, and its optimizer step is under way`;
}

function workText({ task, version, totalSteps, leaves, missing }: OpenWork): string {
  const what =
    task === 'train'
      ? `step ${version + 1} of ${totalSteps}`
      : `the evaluation after step ${version}`;
  const done = leaves && `${leaves.all - leaves.open} of ${leaves.all} leaves are in`;
  if (missing === 0) return `${what}, ${done ?? 'not begun'}`;
  const waits = `${what} waits for ${missing} more worker${missing === 1 ? '' : 's'}`;
  return done === undefined ? waits : `${waits}, ${done}`;
}

function workerTexts({ work, workers, gone, refused }: StallFacts): string[] {
  const rank = ({ state, lastError }: StalledWorker) =>
    (state === 'holding' ? 0 : state === 'preparing' ? 2 : 4) + (lastError === '' ? 1 : 0);
  const ranked = [...workers].sort((a, b) => rank(a) - rank(b));
  const named = ranked.slice(0, NAMED_MAX).map(workerText);
  if (workers.length > NAMED_MAX) named.push(`and ${workers.length - NAMED_MAX} more workers`);
  if (workers.length === 0 && gone === undefined) named.push('no worker has joined yet');
  const isMissed = work.missing > 0;
  return [
    ...named,
    ...(isMissed && gone ? [`last to go was ${absenceText(gone)}`] : []),
    ...(isMissed && refused ? [`last refused was ${absenceText(refused)}`] : []),
  ];
}

function workerText({
  worker,
  state,
  sinceMs,
  silentMs,
  leaves,
  transfers,
  lastError,
}: StalledWorker): string {
  const since = `since ${formatSpan(sinceMs)}`;
  const what =
    state === 'holding'
      ? `${worker} holds ${leavesText(leaves)} ${since}`
      : `${worker} is ${state}${state === 'preparing' ? ` ${since}` : ''}`;
  const silent = silentMs > SILENT_MS ? `, silent for ${formatSpan(silentMs)}` : '';
  const moving = transfers.map(({ kind, sinceMs }) => `, ${kind} since ${formatSpan(sinceMs)}`);
  return `${what}${moving.join('')}${silent}${lastError === '' ? '' : `, last error ${clipped(lastError)}`}`;
}

/** `leaf 3`, `leaves 0-5, 8`; the first ranges of many. */
function leavesText(ranges: readonly LeafRange[]): string {
  const shown = ranges
    .slice(0, RANGES_MAX)
    .map(({ first, count }) => (count === 1 ? `${first}` : `${first}-${first + count - 1}`));
  const isOne = ranges.length === 1 && ranges[0]?.count === 1;
  return `${isOne ? 'leaf' : 'leaves'} ${shown.join(', ')}${ranges.length > RANGES_MAX ? ', ...' : ''}`;
}

function absenceText({ who, reason, agoMs }: Absence): string {
  return `${who}, ${formatSpan(agoMs)} ago: ${clipped(reason)}`;
}

function clipped(text: string): string {
  return text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX)}…`;
}
