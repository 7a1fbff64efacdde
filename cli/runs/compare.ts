/** @file `tessera runs compare`: runs side by side, and the first step at which they part. */
import { TesseraError } from '../../shared/core/errors.ts';
import { type Beginning, readBeginning } from '../../shared/runs/identity-file.ts';
import { type RunRecord, readRun } from '../../shared/runs/reader/read.ts';
import { print, printJson } from '../terminal/output.ts';
import { comparisonLines, comparisonOf, type RunComparison } from './compare-view.ts';
import { type RunsOptions, refuseFaults, runFolder, summaryOf } from './runs.ts';
import { compareLines, differingSettings } from './runs-view.ts';

/**
 * Shows runs side by side, and each beside the first, step by step; returns the exit code: 1 where runs differ that are to be
 * the same (`exact`).
 *
 * Throws  USAGE for a name that is not a run; DATA_INVALID, after all were shown, when a part of one cannot be read, or
 *         with `exact` when there is nothing to compare.
 */
export async function compareRuns(
  options: RunsOptions & { readonly names: readonly string[]; readonly exact?: true },
): Promise<number> {
  const runs: { readonly run: RunRecord; readonly beginning: Beginning | undefined }[] = [];
  for (const name of options.names) {
    const folder = await runFolder(name, options);
    runs.push({ run: await readRun(folder), beginning: await readBeginning(folder) });
  }
  const records = runs.map(({ run }) => run);
  const [first, ...others] = runs;
  const comparisons = first === undefined ? [] : others.map((one) => comparisonOf(first, one));
  if (options.json) {
    const settings = differingSettings(records.map(({ config }) => config));
    printJson({
      schema: 'runs-compare/1',
      runs: records.map(summaryOf),
      settings,
      comparisons: comparisons.map(withNulls),
    });
  } else print([...compareLines(records), ...comparisons.flatMap(comparisonLines)]);
  refuseFaults(records);
  return options.exact === true ? exactCode(comparisons) : 0;
}

/** What is not known is null, not absent. */
function withNulls(comparison: RunComparison) {
  return Object.fromEntries(Object.entries(comparison).map(([key, value]) => [key, value ?? null]));
}

function exactCode(comparisons: readonly RunComparison[]): number {
  if (comparisons.some(({ verdict }) => verdict === 'different')) return 1;
  const unknown = comparisons.find(({ verdict }) => verdict === 'unknown');
  if (unknown === undefined && comparisons.length > 0) return 0;
  const what = unknown === undefined ? 'there is one run' : `${unknown.run} and ${unknown.with}`;
  throw new TesseraError('DATA_INVALID', `nothing to compare: ${what}`, {
    hint: 'name two runs or more whose steps have sums of their parameters',
  });
}
