/** @file What the Job controller does about pods that have ended, as the manifest says. */
import type { JobSpec, Rule } from './manifest.ts';

/** How a pod has ended. */
export interface PodEnd {
  /** 128 and the signal's number, where a signal has ended it. */
  readonly code: number;
  /** Whether the cluster took it away. */
  readonly isDisrupted?: boolean;
}

/** What comes of a pod that has failed: the first rule that fits, else it counts. */
export function actionFor({ podFailurePolicy }: JobSpec, end: PodEnd): Rule['action'] {
  const rule = podFailurePolicy.rules.find(({ onExitCodes, onPodConditions }) => {
    if (onPodConditions !== undefined) {
      return end.isDisrupted && onPodConditions.some(({ type }) => type === 'DisruptionTarget');
    }
    const isOne = onExitCodes?.values.includes(end.code) ?? false;
    return onExitCodes?.operator === 'NotIn' ? !isOne : isOne;
  });
  return rule?.action ?? 'Count';
}

/** What became of a Job. */
export interface JobEnd {
  readonly outcome: 'Complete' | 'FailJob' | 'MaxFailedIndexes';
  /** How the pods of each index have ended, in their order. */
  readonly ends: readonly (readonly number[])[];
  /** Those of them that counted. */
  readonly failures: readonly number[];
}

/** A pod that runs. */
interface RunningPod {
  readonly ended: Promise<PodEnd>;
  /** As the kubelet does at the end of a Job. */
  end(): void;
}

/**
 * Runs an Indexed Job by its own rules. The back-off between two pods of an index is left out: what comes at once is
 * harder.
 */
export async function runJob(spec: JobSpec, start: (index: number) => RunningPod): Promise<JobEnd> {
  const ends: number[][] = Array.from({ length: spec.completions }, () => []);
  const failures = ends.map(() => 0);
  const running = new Map<number, RunningPod>();
  let outcome: JobEnd['outcome'] | undefined;
  const finish = (by: JobEnd['outcome']) => {
    outcome ??= by;
    for (const pod of running.values()) pod.end();
  };
  const suffices = spec.successPolicy.rules.map(({ succeededIndexes }) => succeededIndexes);
  const keep = async (index: number): Promise<void> => {
    while (outcome === undefined) {
      const pod = start(index);
      running.set(index, pod);
      const end = await pod.ended;
      running.delete(index);
      ends[index]?.push(end.code);
      if (end.code === 0) return suffices.includes(String(index)) ? finish('Complete') : undefined;
      const action = actionFor(spec, end);
      if (action === 'FailJob') return finish('FailJob');
      if (action === 'Ignore') continue;
      failures[index] = (failures[index] ?? 0) + 1;
      if ((failures[index] ?? 0) > spec.backoffLimitPerIndex) return finish('MaxFailedIndexes');
    }
  };
  await Promise.all(ends.map((_, index) => keep(index)));
  return { outcome: outcome ?? 'Complete', ends, failures };
}
