/** @file What the workers of a run do, moment by moment: for lanes, traces and metrics; too much for metrics.jsonl. */
import type { WorkerTimings } from '../contract/messages.ts';
import type { LeafRange, WorkKind } from '../core/work.ts';

/** A worker was given other work than before; no ranges: nothing for now. */
interface Assigned {
  readonly type: 'assigned';
  readonly worker: string;
  readonly kind: WorkKind;
  /** The step being computed, or the newest version when an evaluation began. */
  readonly step: number;
  readonly ranges: readonly LeafRange[];
  /** Why, in a few words: "new round", "w2 is late". */
  readonly reason: string;
}

/** A worker has brought a node that was taken. */
interface Delivered extends LeafRange {
  readonly type: 'delivered';
  readonly worker: string;
  readonly kind: WorkKind;
  readonly step: number;
  readonly samples: number;
  /** Where its time went since the node before; the push of this node comes with the next one. */
  readonly timings: WorkerTimings;
}

/** What a worker does. */
export type Activity = Assigned | Delivered;

/** An activity and when it happened. Units  milliseconds since 1970, with fractions. */
export type TimedActivity = Activity & { readonly atMs: number };
