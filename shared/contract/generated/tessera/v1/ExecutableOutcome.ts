// Original file: proto/tessera/v1/exchange.proto

/**
 * What comes of a request for an executable, or of a push.
 */
export const ExecutableOutcome = {
  EXECUTABLE_OUTCOME_UNSPECIFIED: 'EXECUTABLE_OUTCOME_UNSPECIFIED',
  /**
   * The run keeps this executable, for all workers.
   */
  EXECUTABLE_OUTCOME_KEPT: 'EXECUTABLE_OUTCOME_KEPT',
  /**
   * The caller compiles it, and pushes it then.
   */
  EXECUTABLE_OUTCOME_COMPILE: 'EXECUTABLE_OUTCOME_COMPILE',
  /**
   * Another worker compiles it; request it again later.
   */
  EXECUTABLE_OUTCOME_WAIT: 'EXECUTABLE_OUTCOME_WAIT',
  /**
   * Another worker's executable came first: the caller fetches that one.
   */
  EXECUTABLE_OUTCOME_OTHER_KEPT: 'EXECUTABLE_OUTCOME_OTHER_KEPT',
  /**
   * The caller no longer compiles it.
   */
  EXECUTABLE_OUTCOME_RELEASED: 'EXECUTABLE_OUTCOME_RELEASED',
  /**
   * The run does not keep it: each worker compiles for itself.
   */
  EXECUTABLE_OUTCOME_REFUSED: 'EXECUTABLE_OUTCOME_REFUSED',
} as const;

/**
 * What comes of a request for an executable, or of a push.
 */
export type ExecutableOutcome =
  | 'EXECUTABLE_OUTCOME_UNSPECIFIED'
  | 0
  /**
   * The run keeps this executable, for all workers.
   */
  | 'EXECUTABLE_OUTCOME_KEPT'
  | 1
  /**
   * The caller compiles it, and pushes it then.
   */
  | 'EXECUTABLE_OUTCOME_COMPILE'
  | 2
  /**
   * Another worker compiles it; request it again later.
   */
  | 'EXECUTABLE_OUTCOME_WAIT'
  | 3
  /**
   * Another worker's executable came first: the caller fetches that one.
   */
  | 'EXECUTABLE_OUTCOME_OTHER_KEPT'
  | 4
  /**
   * The caller no longer compiles it.
   */
  | 'EXECUTABLE_OUTCOME_RELEASED'
  | 5
  /**
   * The run does not keep it: each worker compiles for itself.
   */
  | 'EXECUTABLE_OUTCOME_REFUSED'
  | 6

/**
 * What comes of a request for an executable, or of a push.
 */
export type ExecutableOutcome__Output = typeof ExecutableOutcome[keyof typeof ExecutableOutcome]
