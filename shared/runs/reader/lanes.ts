/** @file What each worker did when: its activities as spans of time. Pure. */
import type { WorkerTimings } from '../../contract/messages.ts';
import type { WorkKind } from '../../core/work.ts';
import type { TimedActivity } from '../activity.ts';

/** Parts of a worker's time, in the order in which they follow each other between two deliveries. */
export const LANE_PARTS = ['idle', 'pull', 'fetch', 'compute', 'push'] as const;
export type LanePart = (typeof LANE_PARTS)[number];

/** A part of a worker's time. Units  milliseconds since 1970, with fractions. */
export interface LaneSpan {
  readonly part: LanePart;
  readonly fromMs: number;
  readonly toMs: number;
  /** The node that it was for. */
  readonly kind: WorkKind;
  readonly step: number;
  readonly first: number;
  readonly count: number;
}

/** A node that has arrived. */
export type Delivery = Extract<TimedActivity, { type: 'delivered' }>;

/**
 * The spans of one worker, from its activities in their order. A worker says how long its parts were, not when they
 * began: they are laid one after the other before the arrival of their node. How long the push of a node took comes with
 * the next one, so the newest node has none.
 */
export function laneSpans(activities: Iterable<TimedActivity>): LaneSpan[] {
  const deliveries = [...activities].filter((activity) => activity.type === 'delivered');
  return deliveries.flatMap((delivery, place) =>
    nodeSpans(delivery, deliveries[place - 1], deliveries[place + 1]),
  );
}

/** The spans of one node of a worker, between those before and after it. */
export function nodeSpans(
  delivery: Delivery,
  before: Delivery | undefined,
  after: Delivery | undefined,
): LaneSpan[] {
  const { kind, step, first, count, atMs, timings } = delivery;
  const notBeforeMs = before?.atMs ?? Number.NEGATIVE_INFINITY;
  const pushMs = after?.timings.pushMs ?? 0;
  const spans: LaneSpan[] = [];
  // From the arrival backwards; clocks and messages scatter, so no span reaches into the node before.
  let toMs = atMs;
  for (const part of LANE_PARTS.toReversed()) {
    const fromMs = Math.max(notBeforeMs, toMs - (part === 'push' ? pushMs : msOf(part, timings)));
    if (fromMs < toMs) spans.unshift({ part, fromMs, toMs, kind, step, first, count });
    toMs = fromMs;
  }
  return spans;
}

function msOf(part: Exclude<LanePart, 'push'>, timings: WorkerTimings): number {
  return {
    idle: timings.idleMs,
    pull: timings.pullMs,
    fetch: timings.fetchMs,
    compute: timings.computeMs,
  }[part];
}
