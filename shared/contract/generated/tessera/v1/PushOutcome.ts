// Original file: proto/tessera/v1/exchange.proto

export const PushOutcome = {
  PUSH_OUTCOME_UNSPECIFIED: 'PUSH_OUTCOME_UNSPECIFIED',
  PUSH_OUTCOME_ACCEPTED: 'PUSH_OUTCOME_ACCEPTED',
  /**
   * These leaves were pushed before, perhaps by this worker.
   */
  PUSH_OUTCOME_ACCEPTED_BEFORE: 'PUSH_OUTCOME_ACCEPTED_BEFORE',
  /**
   * The step is not the open one; drop the node.
   */
  PUSH_OUTCOME_STALE: 'PUSH_OUTCOME_STALE',
} as const;

export type PushOutcome =
  | 'PUSH_OUTCOME_UNSPECIFIED'
  | 0
  | 'PUSH_OUTCOME_ACCEPTED'
  | 1
  /**
   * These leaves were pushed before, perhaps by this worker.
   */
  | 'PUSH_OUTCOME_ACCEPTED_BEFORE'
  | 2
  /**
   * The step is not the open one; drop the node.
   */
  | 'PUSH_OUTCOME_STALE'
  | 3

export type PushOutcome__Output = typeof PushOutcome[keyof typeof PushOutcome]
