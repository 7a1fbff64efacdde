/** @file Two runs as text: up to which step they are the same, and what of them differs before. Pure. */
import { decidesNumbers } from '../../shared/config/fingerprint.ts';
import { formatCount } from '../../shared/core/units.ts';
import { type DataDifference, firstDifference } from '../../shared/data/identity/identity.ts';
import type { Beginning } from '../../shared/runs/identity-file.ts';
import { compareSteps, type StepComparison } from '../../shared/runs/reader/compare.ts';
import type { RunRecord } from '../../shared/runs/reader/read.ts';
import { differingSettings, shown } from './runs-view.ts';

/** A run and what its folder says of its beginning. */
export interface BegunRun {
  readonly run: RunRecord;
  readonly beginning: Beginning | undefined;
}

/** A run beside another; of each pair the first value is that of `with`. */
export interface RunComparison extends StepComparison {
  readonly run: string;
  readonly with: string;
  readonly verdict: 'same' | 'different' | 'unknown';
  /** Steps done, and how many of them have sums. */
  readonly steps: readonly [number, number];
  readonly summed: readonly [number, number];
  /** Settings that decide numbers. */
  readonly settings: readonly { readonly path: string; readonly values: readonly unknown[] }[];
  /** How the data sets differ, in words; '' where they are the same, undefined where that is not known. */
  readonly data: string | undefined;
  /** Engines that were there before the first difference. */
  readonly engines: readonly [readonly string[], readonly string[]];
  /** The first step that a run did again with other parameters, after a resume. */
  readonly changedSteps: readonly [number | undefined, number | undefined];
}

/** Compares a run with another. */
export function comparisonOf(one: BegunRun, other: BegunRun): RunComparison {
  const metrics = [one.run.metrics, other.run.metrics] as const;
  const steps = compareSteps(...metrics);
  const { differsAt, compared, beganAlike } = steps;
  const until = differsAt ?? Number.POSITIVE_INFINITY;
  const enginesOf = ({ origins }: (typeof metrics)[number]) =>
    origins.engines.filter(({ afterStep }) => afterStep < until).map(({ name }) => name);
  const differs = differsAt !== undefined || beganAlike === false;
  const same = compared > 0 ? 'same' : 'unknown';
  const settings = differingSettings([one.run.config, other.run.config]);
  return {
    run: other.run.name,
    with: one.run.name,
    verdict: differs ? 'different' : same,
    ...steps,
    steps: pair(metrics, (those) => those.steps.at(-1)?.step ?? 0),
    summed: pair(metrics, (those) => those.steps.filter(isSummed).length),
    settings: settings.filter(({ path }) => decidesNumbers(path)),
    data: dataText(one.beginning, other.beginning),
    engines: pair(metrics, enginesOf),
    changedSteps: pair(metrics, ({ origins }) => origins.changedStep),
  };
}

function pair<T, R>([one, other]: readonly [T, T], of: (value: T) => R): readonly [R, R] {
  return [of(one), of(other)];
}

const isSummed = ({ parameterSums }: { readonly parameterSums?: string }) =>
  parameterSums !== undefined;

function dataText(one: Beginning | undefined, other: Beginning | undefined): string | undefined {
  if (one === undefined || other === undefined) return undefined;
  const difference = firstDifference(one.data, other.data);
  if (difference === undefined) return '';
  if (difference.kind === 'classes') return 'other classes, or in another order';
  const counts = [one, other].map(({ data }) => data.splits[difference.split]?.samples ?? 0);
  return splitText(difference, counts);
}

function splitText(
  difference: Exclude<DataDifference, { kind: 'classes' }>,
  counts: readonly number[],
): string {
  const { split } = difference;
  if (difference.kind === 'samples') {
    return `${counts.map(formatCount).join(' and ')} samples of ${split}`;
  }
  if (difference.kind === 'contents')
    return `sample ${difference.index} of ${split} has other bytes`;
  const { block } = difference;
  const what = difference.kind === 'sizes' ? 'sizes' : 'names or classes';
  if (block === undefined) return `the samples of ${split} have other ${what}`;
  const last = block.first + block.count - 1;
  const which = block.count === 1 ? `sample ${last}` : `the samples ${block.first} to ${last}`;
  return `${which} of ${split}: other ${what}`;
}

/** A comparison in lines, the verdict first. */
export function comparisonLines(comparison: RunComparison): readonly string[] {
  const { run, verdict } = comparison;
  const names = `${comparison.with} and ${run}`;
  const details = [
    ...(verdict === 'different' ? differenceFacts(comparison) : []),
    ...extentFacts(comparison),
  ];
  return [
    '',
    `${names}: ${verdictText(comparison)}`,
    ...details.map(([label, text]) => `  ${`${label}:`.padEnd(17)} ${text}`),
  ];
}

function verdictText(comparison: RunComparison): string {
  const { verdict, compared, firstStep, lastStep, differsAt, isExact, sameAgainAt } = comparison;
  if (verdict === 'unknown') return 'not known to be the same: no step has sums in both';
  const steps = `${formatCount(compared)} ${compared === 1 ? 'step' : 'steps'}`;
  const which = compared === 0 ? 'no step' : `${steps} (${firstStep} to ${lastStep})`;
  if (verdict === 'same') return `the same parameters after each of ${which}`;
  if (differsAt === undefined) return `other first parameters; ${which} has sums in both`;
  const again = sameAgainAt === undefined ? '' : `, and the same again from step ${sameAgainAt} on`;
  if (!isExact) return `other parameters in step ${differsAt}, perhaps before${again}`;
  const before = differsAt === 1 ? '' : `the same parameters up to step ${differsAt - 1}, `;
  return `${before}other parameters from step ${differsAt} on${again}`;
}

type Fact = readonly [label: string, text: string];

/** What of the runs differs before their first difference, and what does not. */
function differenceFacts(comparison: RunComparison): readonly Fact[] {
  const { settings, data, beganAlike, differsAt, figures, engines } = comparison;
  const unknown = 'not known';
  const [one, other] = engines.map((names) => names.join(' + ') || unknown);
  const first = beganAlike === undefined ? unknown : beganAlike ? 'the same' : 'others';
  const listed = settings.map(({ path, values }) => `${path} ${values.map(shown).join(' | ')}`);
  return [
    ['settings', listed.join(', ') || 'all that decide numbers are the same'],
    ['data set', data === '' ? 'the same' : (data ?? unknown)],
    ['first parameters', first],
    ['engines', one === other ? `the same (${one})` : `${one} | ${other}`],
    ...(differsAt === undefined ? [] : [[`step ${differsAt}`, figuresText(figures)] as const]),
  ];
}

/** What the figures of the first step that differs show. */
function figuresText(figures: StepComparison['figures']): string {
  if (figures.includes('learningRate')) return 'another learning rate';
  if (figures.includes('loss')) return 'another loss: of other samples, or computed otherwise';
  if (figures.includes('gradientNorm')) return 'the same loss, another gradient';
  return 'the same loss and gradient norm: the gradient in other bits, or the optimizer step';
}

/** How much was compared, and what else to know. */
function extentFacts(comparison: RunComparison): readonly Fact[] {
  const { steps, summed, changedSteps, with: one, run: other } = comparison;
  const facts: Fact[] = [];
  if (steps[0] !== steps[1]) {
    facts.push(['length', `${one} has ${steps[0]} steps, ${other} ${steps[1]}`]);
  }
  for (const [at, name] of [one, other].entries()) {
    const lacking = (steps[at] as number) - (summed[at] as number);
    const older = 'older versions record none';
    if (lacking > 0) facts.push(['without sums', `${lacking} steps of ${name} (${older})`]);
    const changed = changedSteps[at];
    if (changed === undefined) continue;
    const what = `${name} had other parameters at step ${changed} when it came there again`;
    facts.push(['resumed', what]);
  }
  return facts;
}
