/** @file What each worker did over the last minutes, as shares of short times: the lanes of the page. */
import type { TimedActivity } from '../../shared/runs/activity.ts';
import {
  type Delivery,
  LANE_PARTS,
  type LaneSpan,
  nodeSpans,
} from '../../shared/runs/reader/lanes.ts';

/** Workers with a lane; of more, those that did nothing for the longest time are dropped. */
const WORKERS_MAX = 256;
const BINS = 1200;
const ABSENCES_MAX = 50;
const PARTS = LANE_PARTS.length;

interface Lane {
  readonly ms: Float32Array;
  /** The number of the newest bin. */
  newest: number;
  /** The two newest nodes. */
  before: Delivery | undefined;
  last: Delivery | undefined;
}

/** From when a worker was lost or had left, to when one of its name joined; `toMs` is null while none has. */
interface Absence {
  readonly fromMs: number;
  toMs: number | null;
}

/** A lane of the page. */
export interface LaneColumns {
  readonly worker: string;
  /** Bytes: for each column the shares of LANE_PARTS, 255 for all of it; in base64. */
  readonly shares: string;
  /** Milliseconds since 1970; null while it is there. */
  readonly goneMs: number | null;
  /** Begins and ends of its absences, those alone that are not over by the first column. */
  readonly away: readonly (readonly [number, number | null])[];
}

/** Takes activities in their order. */
export class LaneBins {
  readonly #binMs: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #absences = new Map<string, Absence[]>();
  #newestMs = 0;

  constructor(binMs = 500) {
    this.#binMs = binMs;
  }

  /** Milliseconds since 1970 of the newest activity; 0 before the first. */
  get newestMs(): number {
    return this.#newestMs;
  }

  activity(activity: TimedActivity): void {
    this.#newestMs = Math.max(this.#newestMs, activity.atMs);
    if (activity.type !== 'delivered') return;
    const lane = this.#lanes.get(activity.worker) ?? this.#added(activity);
    const { before, last } = lane;
    // The push of a node is known with the next one.
    if (last !== undefined) this.#lay(lane, nodeSpans(last, before, activity));
    lane.before = last;
    lane.last = activity;
  }

  /** It was lost, or has left. */
  gone(worker: string, atMs: number): void {
    const known = this.#absences.get(worker) ?? [];
    if (known.at(-1)?.toMs === null) return;
    this.#absences.set(worker, [...known, { fromMs: atMs, toMs: null }].slice(-ABSENCES_MAX));
    if (this.#absences.size <= WORKERS_MAX) return;
    const [oldest = ''] = this.#absences.keys();
    this.#absences.delete(oldest);
  }

  /** One of its name has joined: what is started again in place of a lost worker has its name. */
  joined(worker: string, atMs: number): void {
    const last = this.#absences.get(worker)?.at(-1);
    if (last !== undefined) last.toMs ??= atMs;
  }

  /** The lanes of the `windowMs` before `endMs`. */
  columns(endMs: number, windowMs: number, count: number): LaneColumns[] {
    const columnMs = windowMs / count;
    const isShown = ({ toMs }: Absence) => toMs === null || toMs > endMs - windowMs;
    return [...this.#lanes].map(([worker, lane]) => {
      const shares = Buffer.alloc(count * PARTS);
      for (let column = 0; column < count; column++) {
        const fromMs = endMs - windowMs + column * columnMs;
        this.#fill(shares.subarray(column * PARTS, (column + 1) * PARTS), lane, fromMs, columnMs);
      }
      const absences = this.#absences.get(worker) ?? [];
      const last = absences.at(-1);
      return {
        ...{ worker, shares: shares.toString('base64') },
        goneMs: last?.toMs === null ? last.fromMs : null,
        away: absences.filter(isShown).map(({ fromMs, toMs }) => [fromMs, toMs] as const),
      };
    });
  }

  #fill(into: Uint8Array, lane: Lane, fromMs: number, columnMs: number): void {
    const first = Math.floor(fromMs / this.#binMs);
    const end = Math.max(first + 1, Math.floor((fromMs + columnMs) / this.#binMs));
    for (let part = 0; part < PARTS; part++) {
      let ms = 0;
      for (let bin = first; bin < end; bin++) {
        if (bin > lane.newest - BINS && bin <= lane.newest) {
          ms += lane.ms[(bin % BINS) * PARTS + part] as number;
        }
      }
      into[part] = Math.round(255 * Math.min(1, ms / ((end - first) * this.#binMs)));
    }
  }

  #lay(lane: Lane, spans: readonly LaneSpan[]): void {
    for (const span of spans) {
      const part = LANE_PARTS.indexOf(span.part);
      let bin = Math.max(Math.floor(span.fromMs / this.#binMs), lane.newest - BINS + 1);
      for (; bin * this.#binMs < span.toMs; bin++) {
        if (bin > lane.newest) this.#forward(lane, bin);
        const until = Math.min(span.toMs, (bin + 1) * this.#binMs);
        const ms = until - Math.max(span.fromMs, bin * this.#binMs);
        if (ms > 0) (lane.ms[(bin % BINS) * PARTS + part] as number) += ms;
      }
    }
  }

  /** The ring now ends with `bin`: those between are empty. */
  #forward(lane: Lane, bin: number): void {
    for (let empty = Math.max(lane.newest + 1, bin - BINS + 1); empty <= bin; empty++) {
      lane.ms.fill(0, (empty % BINS) * PARTS, (empty % BINS) * PARTS + PARTS);
    }
    lane.newest = bin;
  }

  #added({ worker, atMs }: Delivery): Lane {
    if (this.#lanes.size >= WORKERS_MAX) {
      const [oldest] = [...this.#lanes].sort(([, a], [, b]) => a.newest - b.newest);
      if (oldest !== undefined) this.#lanes.delete(oldest[0]);
    }
    const newest = Math.floor(atMs / this.#binMs) - 1;
    const ms = new Float32Array(BINS * PARTS);
    const lane = { ms, newest, before: undefined, last: undefined };
    this.#lanes.set(worker, lane);
    return lane;
  }
}
