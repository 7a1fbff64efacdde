/** @file What an evaluation found, as tables. Pure. */
import { formatPercent } from '../../shared/core/units.ts';
import type { ClassReport } from '../../tools/inference/confusion.ts';
import type { Evaluation, Mistake } from '../../tools/inference/evaluate.ts';
import { formatTable } from '../terminal/table.ts';

/** A loss, and why the run's own is another one. */
export function lossText(loss: number, labelSmoothing: number): string {
  const why = labelSmoothing === 0 ? '' : ' (without label smoothing, which the run counts too)';
  return `${loss.toFixed(4)}${why}`;
}

/** Precision, recall, F1 and number of samples of each class. */
export function classLines(
  confusion: { readonly classes: readonly ClassReport[] },
  classes: readonly string[],
): readonly string[] {
  const columns = ['PRECISION', 'RECALL', 'F1', 'SAMPLES'].map((title) => {
    return { title, align: 'right' } as const;
  });
  const rows = confusion.classes.map(({ precision, recall, f1, support }, label) => [
    classes[label] ?? '',
    formatPercent(precision),
    formatPercent(recall),
    formatPercent(f1),
    String(support),
  ]);
  return formatTable([{ title: 'CLASS' }, ...columns], rows);
}

/** How often each class was taken for each: a row a true class, a column a predicted one. */
export function confusionLines(
  { counts }: { readonly counts: Evaluation['confusion'] },
  classes: readonly string[],
): readonly string[] {
  const columns = classes.map((name) => ({ title: name, align: 'right' }) as const);
  const rows = counts.map((row, label) => [classes[label] ?? '', ...row.map(String)]);
  return formatTable([{ title: 'TRUE\\PREDICTED' }, ...columns], rows);
}

/** The worst mistakes, in their order, with whole names. */
export function mistakeLines(mistakes: readonly Mistake[]): readonly string[] {
  const rows = mistakes.map(({ name, label, predicted, probability }) => [
    label,
    predicted,
    formatPercent(probability),
    name,
  ]);
  const probability = { title: 'PROBABILITY', align: 'right' } as const;
  return formatTable(
    [{ title: 'TRUE' }, { title: 'PREDICTED' }, probability, { title: 'WORST MISTAKES' }],
    rows,
  );
}
