/** @file All alarms of a run: `(what happened, now) -> alarms that begin or are over`. Pure. */
import type { AlarmEvent, AlarmFacts, AlarmInput, AlarmRule } from './alarm.ts';
import { DiskFull } from './disk.ts';
import { GradientNorm } from './gradient.ts';
import { LearningStalled } from './learning.ts';
import { LossFinite, LossTrend } from './loss.ts';
import { Overfitting } from './overfitting.ts';

/** An alarm is not said again within this time after it was said; each time the time is doubled, up to the second one. */
const PAUSE_MS = 10 * 60_000;
const PAUSE_MS_MAX = 4 * 3_600_000;

/** Where one alarm stands. */
interface Standing {
  readonly rule: AlarmRule;
  /** Why its rule has raised it; undefined while it has not. */
  sentence: string | undefined;
  /** Whether that was said. */
  isSaid: boolean;
  notBeforeMs: number;
  pauseMs: number;
}

/** The alarms of one process of a run: what was before a resume is not known to them. */
export class Alarms {
  readonly #standings: readonly Standing[];

  constructor(facts: AlarmFacts) {
    const rules = [
      new LossFinite(),
      new LossTrend(facts),
      new GradientNorm(),
      new LearningStalled(facts),
      new Overfitting(facts),
      new DiskFull(facts),
    ];
    this.#standings = rules.map((rule) => {
      const { NEGATIVE_INFINITY: notBeforeMs } = Number;
      return { rule, sentence: undefined, isSaid: false, notBeforeMs, pauseMs: PAUSE_MS };
    });
  }

  /** Takes what happened; returns the alarms that begin with it, and those that are over. */
  take(input: AlarmInput, nowMs: number): readonly AlarmEvent[] {
    return this.#standings.flatMap((standing) => {
      const { name } = standing.rule;
      const change = standing.rule.take(input, nowMs);
      if (change?.state === 'over') {
        standing.sentence = undefined;
        if (!standing.isSaid) return [];
        standing.isSaid = false;
        return [{ type: 'alarm', name, ...change }];
      }
      if (change !== undefined) standing.sentence = change.sentence;
      const { sentence } = standing;
      if (sentence === undefined || standing.isSaid || nowMs < standing.notBeforeMs) return [];
      standing.isSaid = true;
      standing.notBeforeMs = nowMs + standing.pauseMs;
      standing.pauseMs = Math.min(2 * standing.pauseMs, PAUSE_MS_MAX);
      return [{ type: 'alarm', name, state: 'raised', sentence }];
    });
  }

  /** Those that have begun and are not over, each as `NAME: SENTENCE`. */
  get raised(): readonly string[] {
    return this.#standings
      .filter(({ isSaid }) => isSaid)
      .map(({ rule, sentence }) => `${rule.name}: ${sentence}`);
  }
}
