/** @file What a Job does about a pod that has ended, made from the table of exit codes. Pure. */
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';

/** A rule of a Job's `podFailurePolicy`; the first that fits counts. */
export interface FailureRule {
  /** Ignore: another pod, not counted. Count: another pod, within the budget of the index. FailJob: none. */
  readonly action: 'Ignore' | 'Count' | 'FailJob';
  readonly onExitCodes?: {
    readonly containerName: string;
    readonly operator: 'In';
    readonly values: readonly number[];
  };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: 'True' }[];
}

const ACTIONS = { always: 'Ignore', never: 'FailJob', limited: 'Count' } as const;

/**
 * The rules: a pod that the cluster takes away is not a failure, whatever its exit code; then one rule for each kind of
 * restart in the table. Codes that the table lacks (137 is SIGKILL, also by memory) count, as a Job does.
 */
export function failureRules(containerName: string): readonly FailureRule[] {
  const kinds = ['always', 'never', 'limited'] as const;
  return [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ...kinds.map((kind) => ({
      action: ACTIONS[kind],
      onExitCodes: { containerName, operator: 'In' as const, values: codesOf(kind) },
    })),
  ];
}

/** The codes of a kind, in their order; 0 is not a failure, and Kubernetes refuses it here. */
function codesOf(kind: keyof typeof ACTIONS): readonly number[] {
  return exitCodeRows()
    .filter(({ code, restart }) => restart === kind && code !== 0)
    .map(({ code }) => code)
    .sort((one, other) => one - other);
}
