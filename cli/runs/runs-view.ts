/** @file Runs as text: a list of them, one in full, several side by side. Pure. */
import { explainConfig } from '../../shared/config/explain.ts';
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatPercent,
  parseBytes,
} from '../../shared/core/units.ts';
import type { RunRecord } from '../../shared/runs/reader/read.ts';
import { leavesOf } from '../config/config-view.ts';
import { NO_BEST } from '../run/run-end.ts';
import { type Column, formatAge, formatTable } from '../terminal/table.ts';

const LIST_COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'STATE' },
  { title: 'EPOCH', align: 'right' },
  { title: 'STEP', align: 'right' },
  { title: 'TEST-ACC', align: 'right' },
  { title: 'BEST', align: 'right' },
  { title: 'LOSS', align: 'right' },
  { title: 'DURATION', align: 'right' },
  { title: 'AGE', align: 'right' },
];
const NOTE: Column = { title: 'NOTE' };
const NOTE_LENGTH_MAX = 72;

/** What a run came to, as numbers; NaN where it has not come that far. */
export interface RunOutcome {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** The split that the best version is chosen on. */
  readonly chosenOn: 'validation' | 'test';
  readonly bestAccuracy: number;
  readonly bestStep: number;
  /** Of the last step. */
  readonly trainLoss: number;
  readonly parametersSha256: string;
}

/** The outcome of a run. */
export function outcomeOf({ config, metrics }: RunRecord): RunOutcome {
  const step = metrics.steps.at(-1);
  const { test } = metrics;
  const values = new Map(leavesOf(config ?? {}));
  return {
    epoch: step?.epoch ?? 0,
    epochs: Number(values.get('training.epochs') ?? Number.NaN),
    step: step?.step ?? 0,
    testAccuracy: test?.accuracy ?? Number.NaN,
    testLoss: test?.loss ?? Number.NaN,
    chosenOn: metrics.chosenOn,
    bestAccuracy: metrics.best?.accuracy ?? Number.NaN,
    bestStep: metrics.best?.version ?? Number.NaN,
    trainLoss: step?.loss ?? Number.NaN,
    parametersSha256: metrics.checkpoints.at(-1)?.parametersSha256 ?? '',
  };
}

/** How a run that is over came to its end, in words. */
export function endOf({ state, metrics, occupant, faults }: RunRecord): string {
  const { ending } = metrics;
  if (state === 'done') return ending?.reason ?? 'done';
  if (state === 'unknown') return faults.join('; ');
  const reason =
    ending?.reason ?? 'its coordinator ended without a record, as after a kill or a power cut';
  return occupant === undefined ? reason : `${reason}; ${occupant}`;
}

/** The state of a run, with the exit code of one that failed. */
function stateText({ state, metrics: { ending } }: RunRecord): string {
  const exit = state === 'failed' ? ending?.exit : undefined;
  return exit === undefined ? state : `${state} (${exit})`;
}

/** What is the matter with what is on the disk of a run, each in few words. */
export function faultsOf({ faults, metrics: { damagedLines } }: RunRecord): readonly string[] {
  if (damagedLines === 0) return faults;
  const lines = damagedLines === 1 ? '1 line' : `${damagedLines} lines`;
  return [...faults, `metrics.jsonl: ${lines} damaged, left out`];
}

/** A run that is over, in a block like that of a running one. */
export function endLines(run: RunRecord): readonly string[] {
  const { step, epoch, epochs, testAccuracy, testLoss, parametersSha256 } = outcomeOf(run);
  const facts: readonly (readonly [string, string])[] = [
    ['Run', run.name],
    ['Phase', `${run.state} (${endOf(run)})`],
    ['Step', `${step}, epoch ${epoch}/${formatNumber(epochs, 0)}`],
    ['Test', `loss ${formatNumber(testLoss, 4)}, accuracy ${formatPercent(testAccuracy)}`],
    ['Time', formatDuration(run.seconds)],
    ['Parameters', parametersSha256.slice(0, 12) || '<none>'],
    ['Folder', run.folder],
  ];
  return facts.map(([label, value]) => `${`${label}:`.padEnd(12)} ${value}`);
}

/** A line for each run; what is the matter with one stands at its end. */
export function listLines(runs: readonly RunRecord[], nowMs: number): readonly string[] {
  const areMarked = runs.some((run) => faultsOf(run).length > 0);
  const rows = runs.map((run) => {
    const outcome = outcomeOf(run);
    return [
      run.name,
      stateText(run),
      `${outcome.epoch}/${formatNumber(outcome.epochs, 0)}`,
      String(outcome.step),
      formatPercent(outcome.testAccuracy),
      formatPercent(outcome.bestAccuracy),
      formatNumber(outcome.trainLoss, 4),
      formatDuration(run.seconds),
      formatAge((nowMs - run.beganMs) / 1000),
      shortened(faultsOf(run).join('; ')) || '-',
    ];
  });
  return formatTable(areMarked ? [...LIST_COLUMNS, NOTE] : LIST_COLUMNS, rows);
}

/** A note that leaves the line a line; the run's own page has all of it. */
function shortened(note: string): string {
  return note.length > NOTE_LENGTH_MAX ? `${note.slice(0, NOTE_LENGTH_MAX)}...` : note;
}

/** Everything about one run; `next` are the lines that one may type about it. */
export function showLines(run: RunRecord, next: readonly (readonly [string, string])[]) {
  const outcome = outcomeOf(run);
  const facts: readonly (readonly [string, string])[] = [
    ['Run', run.name],
    ['Folder', run.folder],
    ['State', run.state === 'running' ? run.state : `${stateText(run)}: ${endOf(run)}`],
    ['Began', new Date(run.beganMs).toISOString()],
    ['Duration', formatDuration(run.seconds)],
    ['Step', `${outcome.step}, epoch ${outcome.epoch}/${formatNumber(outcome.epochs, 0)}`],
    ['Train', `loss ${formatNumber(outcome.trainLoss, 4)}`],
    ['Test', `${formatPercent(outcome.testAccuracy)}, loss ${formatNumber(outcome.testLoss, 4)}`],
    ['Best', bestText(run)],
    ...faultsOf(run).map((fault) => ['Damaged', fault] as const),
    ...run.pictures.map((picture) => ['Picture', picture] as const),
  ];
  return [
    ...facts.map(([label, value]) => `${`${label}:`.padEnd(10)} ${value}`),
    '',
    ...settingLines(run),
    '',
    ...checkpointLines(run),
    '',
    ...next.map(([what, line]) => `${`${what}:`.padEnd(10)} ${line}`),
  ];
}

function bestText(run: RunRecord): string {
  const { bestAccuracy, bestStep, chosenOn } = outcomeOf(run);
  if (Number.isNaN(bestStep) && run.metrics.evaluations.length > 0) return NO_BEST;
  return `${formatPercent(bestAccuracy)} of the ${chosenOn} images after step ${formatNumber(bestStep, 0)}`;
}

function checkpointLines({ checkpoints, metrics }: RunRecord): readonly string[] {
  if (checkpoints.length === 0) return ['no checkpoints'];
  const accuracies = new Map(
    metrics.evaluations.map(({ version, accuracy }) => [version, accuracy]),
  );
  const rows = checkpoints.map(({ step, bytes, folder }) => [
    String(step),
    formatPercent(accuracies.get(step) ?? Number.NaN),
    formatBytes(bytes).replace(' ', ''),
    folder,
  ]);
  const columns: Column[] = [
    { title: 'CHECKPOINT', align: 'right' },
    { title: metrics.chosenOn === 'test' ? 'TEST-ACC' : 'VALIDATION-ACC', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'FOLDER' },
  ];
  return formatTable(columns, rows);
}

function settingLines({ config }: RunRecord): readonly string[] {
  if (config === undefined) return ['its settings are not known'];
  const changed = changedSettings(config);
  if (changed.length === 0) return ['every setting is the default'];
  const rows = changed.map(({ path, value, fallback }) => [path, shown(value), shown(fallback)]);
  return formatTable([{ title: 'SETTING' }, { title: 'VALUE' }, { title: 'DEFAULT' }], rows);
}

/** The settings of a config that differ from the defaults of this version. */
export function changedSettings(config: object) {
  const defaults = defaultSettings();
  return leavesOf(config)
    .filter(([path, value]) => !isSame(value, defaults.get(path)))
    .map(([path, value]) => ({ path, value, fallback: defaults.get(path) }));
}

/**
 * The settings that differ among runs: for each its path and its value in every run. A setting that an older run
 * does not know counts as the default; of a run whose config cannot be read, nothing does.
 */
export function differingSettings(configs: readonly (object | undefined)[]) {
  const defaults = defaultSettings();
  const tables = configs.map((config) => config && new Map(leavesOf(config)));
  const paths = new Set(tables.flatMap((table) => [...(table?.keys() ?? [])]));
  return [...paths]
    .map((path) => {
      const values = tables.map((table) => table && (table.get(path) ?? defaults.get(path)));
      return { path, values };
    })
    .filter(({ values }) => {
      const known = values.filter((_, run) => tables[run] !== undefined);
      return known.some((value) => !isSame(value, known[0]));
    });
}

/** Defaults by path; sizes in bytes, as a resolved config has them. */
function defaultSettings(): ReadonlyMap<string, unknown> {
  return new Map(
    explainConfig().map(({ path, default: value }) => [
      path,
      typeof value === 'string' ? (parseBytes(value) ?? value) : value,
    ]),
  );
}

/** Runs side by side: their results, then the settings that differ. */
export function compareLines(runs: readonly RunRecord[]): readonly string[] {
  const columns = [{ title: '' }, ...runs.map(({ name }) => ({ title: name }))];
  const results = runs.map((run) => ({ run, ...outcomeOf(run) }));
  const row = (label: string, cell: (result: (typeof results)[number]) => string) => [
    label,
    ...results.map(cell),
  ];
  const outcomes = [
    row('state', ({ run }) => stateText(run)),
    row('step', ({ step }) => String(step)),
    row('epoch', ({ epoch }) => String(epoch)),
    row('test accuracy', ({ testAccuracy }) => formatPercent(testAccuracy)),
    row('best chosen on', ({ chosenOn }) => chosenOn),
    row('best accuracy', ({ bestAccuracy }) => formatPercent(bestAccuracy)),
    row('test loss', ({ testLoss }) => formatNumber(testLoss, 4)),
    row('train loss', ({ trainLoss }) => formatNumber(trainLoss, 4)),
    row('duration', ({ run }) => formatDuration(run.seconds)),
    row('parameters', ({ parametersSha256 }) => parametersSha256.slice(0, 12)),
  ];
  const settings = differingSettings(runs.map(({ config }) => config));
  const rows = settings.map(({ path, values }) => [path, ...values.map(shown)]);
  return formatTable(columns, [...outcomes, ...rows]);
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A value of a setting. */
export function shown(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
