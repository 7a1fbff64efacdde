/** @file What a chaos run shows: nothing lost, nothing different, and how long each recovery took. */
import type { MetricsRecord, MetricsTail } from './metrics-tail.ts';
import type { Struck } from './strike.ts';
import type { Transfer } from './traffic.ts';

/** Middle and longest of some durations. */
interface Durations {
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

/** What was cut in two by a kill, as the folder, the victims' traffic and the survivors' logs show. */
interface Cuts {
  /** Coordinators that left a half-written checkpoint. */
  readonly checkpoints: number;
  /** Workers that were killed with a part of their gradient sent. */
  readonly pushesByWorkers: number;
  readonly pullsByWorkers: number;
  /** Pushes and pulls that broke under a worker because its coordinator was killed. */
  readonly pushesByCoordinator: number;
  readonly pullsByCoordinator: number;
}

/** The figures of a chaos run; `schema` names their meaning. */
export interface ChaosReport {
  readonly schema: 'chaos/1';
  readonly seed: number;
  readonly seconds: number;
  readonly kills: { readonly workers: number; readonly coordinator: number };
  readonly pauses: number;
  readonly steps: number;
  /** Steps that were made again after a resume, once for each time. */
  readonly repeatedSteps: number;
  /** Steps of the undisturbed run that this one has no record of. */
  readonly lostSteps: readonly number[];
  /** Records whose loss, accuracy or gradient norm differs from the undisturbed run's. */
  readonly differentSteps: readonly number[];
  readonly damagedLines: number;
  readonly parametersSha256: string;
  readonly expectedSha256: string;
  /** What the kills fell into. */
  readonly cut: Cuts;
  /** From a ready worker's death to the next committed step, others being there and nothing else happening. */
  readonly workerDeath: Durations;
  /** Lease and the time of one leaf. */
  readonly workerDeathBarMs: number;
  /** From the start of a resuming coordinator until it listens: Node, config, data and checkpoint. */
  readonly modelLoad: Durations;
  /** From then to the next committed step. */
  readonly firstStep: Durations;
  readonly firstStepBarMs: number;
}

/** What a report is made of. */
export interface Evidence {
  readonly seed: number;
  readonly seconds: number;
  readonly struck: readonly Struck[];
  readonly tail: MetricsTail;
  readonly workerLogs: readonly string[];
  readonly undisturbed: MetricsTail;
  readonly parametersSha256: string;
  readonly expectedSha256: string;
  readonly leaseMs: number;
  readonly leavesPerStep: number;
}

const FIRST_STEP_BAR_MS = 5_000;

/** Sums a run up. */
export function reportOf(evidence: Evidence): ChaosReport {
  const { seed, seconds, struck, tail, undisturbed } = evidence;
  const kills = struck.filter(({ blow }) => blow.what === 'kill');
  const restarts = kills.flatMap(({ restart }) => restart ?? []);
  const steps = tail.of('step');
  return {
    schema: 'chaos/1',
    seed,
    seconds,
    kills: { workers: kills.length - restarts.length, coordinator: restarts.length },
    pauses: struck.length - kills.length,
    steps: undisturbed.step,
    repeatedSteps: steps.length - new Set(steps.map(stepOf)).size,
    ...comparison(steps, undisturbed.of('step')),
    damagedLines: tail.damagedLines,
    parametersSha256: evidence.parametersSha256,
    expectedSha256: evidence.expectedSha256,
    cut: cutsOf(kills, tail, evidence.workerLogs),
    workerDeath: durations(workerRecoveries(struck, tail)),
    workerDeathBarMs: evidence.leaseMs + leafMs(undisturbed, evidence.leavesPerStep),
    modelLoad: durations(restarts.map(({ startedMs, listeningMs }) => listeningMs - startedMs)),
    firstStep: durations(restarts.flatMap(({ listeningMs }) => untilNextStep(steps, listeningMs))),
    firstStepBarMs: FIRST_STEP_BAR_MS,
  };
}

/** A report as a table for people. */
export function tableOf(report: ChaosReport): string {
  const { kills, cut, workerDeath, modelLoad, firstStep } = report;
  const isSame = report.parametersSha256 === report.expectedSha256;
  const rows: [string, string][] = [
    ['seed', `${report.seed}`],
    ['kills', `${kills.workers} of workers, ${kills.coordinator} of the coordinator`],
    ['pauses', `${report.pauses} (SIGSTOP, SIGCONT)`],
    ['steps', `${report.steps}, ${report.repeatedSteps} made again, in ${report.seconds} s`],
    ['lost steps', `${report.lostSteps.length}`],
    ['different steps', `${report.differentSteps.length}`],
    ['parameters', `${report.parametersSha256} ${isSame ? '= undisturbed' : 'DIFFERENT'}`],
    ['cut in two', `${cut.checkpoints} checkpoints`],
    ['  by a worker', `${cut.pushesByWorkers} pushes, ${cut.pullsByWorkers} pulls`],
    ['  by coordinator', `${cut.pushesByCoordinator} pushes, ${cut.pullsByCoordinator} pulls`],
    ["worker's death", words(workerDeath, report.workerDeathBarMs)],
    ['model load', words(modelLoad)],
    ['first step', words(firstStep, report.firstStepBarMs)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)} ${value}`).join('\n');
}

function words({ count, medianMs, maxMs }: Durations, barMs?: number): string {
  const bar = barMs === undefined ? '' : `, bar ${Math.round(barMs)} ms`;
  return `median ${Math.round(medianMs)} ms, longest ${Math.round(maxMs)} ms of ${count}${bar}`;
}

function comparison(steps: readonly MetricsRecord[], expected: readonly MetricsRecord[]) {
  const made = new Set(steps.map(stepOf));
  const figures = new Map(expected.map((record) => [stepOf(record), figuresOf(record)]));
  return {
    lostSteps: [...figures.keys()].filter((step) => !made.has(step)),
    differentSteps: steps
      .filter((record) => figures.get(stepOf(record)) !== figuresOf(record))
      .map(stepOf),
  };
}

function stepOf({ fields }: MetricsRecord): number {
  return Number(fields['step']);
}

function figuresOf({ fields }: MetricsRecord): string {
  const { loss, accuracy, gradientNorm, learningRate } = fields;
  return JSON.stringify([loss, accuracy, gradientNorm, learningRate]);
}

/** Recoveries that are one blow's alone: nothing else was struck, paused or tested before the next step. */
function workerRecoveries(struck: readonly Struck[], tail: MetricsTail): number[] {
  const steps = tail.of('step');
  const tests = tail.of('evaluation');
  return struck.flatMap(({ blow, atMs, wasReady, othersReady, paused }, index) => {
    const isWorker = blow.what === 'kill' && blow.victim !== 'coordinator';
    if (!isWorker || !wasReady || othersReady === 0 || paused > 0) return [];
    const nextBlowMs = struck[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    return untilNextStep(steps, atMs).filter((ms) => {
      const isAlone = atMs + ms < nextBlowMs;
      return isAlone && !tests.some((test) => test.atMs > atMs && test.atMs < atMs + ms);
    });
  });
}

function untilNextStep(steps: readonly MetricsRecord[], fromMs: number): number[] {
  const next = steps.find(({ atMs }) => atMs > fromMs);
  return next === undefined ? [] : [next.atMs - fromMs];
}

/** The time of one leaf on one worker, from the undisturbed run. */
function leafMs(undisturbed: MetricsTail, leavesPerStep: number): number {
  const walls = undisturbed.of('step').map(({ fields }) => {
    const { wallMs } = fields['timings'] as { readonly wallMs: number };
    return wallMs;
  });
  return durations(walls).medianMs / leavesPerStep;
}

function durations(values: readonly number[]): Durations {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    medianMs: sorted[sorted.length >> 1] ?? 0,
    maxMs: sorted.at(-1) ?? 0,
  };
}

function cutsOf(kills: readonly Struck[], tail: MetricsTail, logs: readonly string[]): Cuts {
  // A checkpoint holds the parameters and two moments of the same size; the margin is for its headers.
  const gradientBytes = (0.95 * Number(tail.of('checkpoint')[0]?.fields['bytes'] ?? 0)) / 3;
  const within = (kind: Transfer) =>
    kills.filter(({ transfer }) => transfer?.kind === kind && transfer.bytes < gradientBytes)
      .length;
  return {
    checkpoints: kills.filter(({ halfCheckpoints }) => halfCheckpoints.length > 0).length,
    pushesByWorkers: within('push'),
    pullsByWorkers: within('pull'),
    pushesByCoordinator: matches(logs, /the connection was lost.*push failed/g),
    pullsByCoordinator: matches(logs, /the connection was lost.*pull refused/g),
  };
}

function matches(texts: readonly string[], pattern: RegExp): number {
  return texts.reduce((sum, text) => sum + [...text.matchAll(pattern)].length, 0);
}
