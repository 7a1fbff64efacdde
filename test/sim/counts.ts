/** @file What happened in worlds. */

/** Nothing has happened yet. */
export function noCounts() {
  return {
    worlds: 0,
    events: 0,
    lost: 0,
    repeated: 0,
    late: 0,
    wrongBytes: 0,
    broken: 0,
    partitions: 0,
    deadLines: 0,
    workerCrashes: 0,
    workerStops: 0,
    workerEnds: 0,
    coordinatorCrashes: 0,
    coordinatorStops: 0,
    coordinatorEnds: 0,
    freezes: 0,
    hangs: 0,
    refusals: 0,
    diskFull: 0,
    rotten: 0,
    diverged: 0,
    stumbles: 0,
    pullsRefused: 0,
    illEnds: 0,
    steps: 0,
    emptySteps: 0,
    evaluations: 0,
    bestTested: 0,
    bestGone: 0,
    checkpoints: 0,
    checkpointsFailed: 0,
    stalls: 0,
    leftOver: 0,
    rivals: 0,
    rivalsRefused: 0,
    takenOver: 0,
    copies: 0,
    removals: 0,
    removalsRefused: 0,
    executablesCompiled: 0,
    executablesTaken: 0,
    executablesReleased: 0,
    logLines: 0,
    logLinesLeftOut: 0,
  };
}

/** Sums of what happened. */
export type Counts = ReturnType<typeof noCounts>;
