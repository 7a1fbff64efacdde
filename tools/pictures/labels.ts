/** @file Numbers and names beside the axes of charts: how they are written, and the room that they have. Pure. */
import type { Panel, Series } from './charts.ts';
import { fitted, textWidth } from './text-width.ts';

/** Names of rows and columns: their size, the room that they have at most, and their angle where they are long. */
const LABEL_SIZE = 12;
const LABEL_WIDTH_MAX = 200;
export const TILT = 40;

/** Width of a name. */
export function labelWidth(name: string): number {
  return textWidth(name, LABEL_SIZE);
}

/** Names that fit into their room. */
export function shortened(names: readonly string[]): readonly string[] {
  return names.map((name) => fitted(name, { width: LABEL_WIDTH_MAX, size: LABEL_SIZE }));
}

/** How numbers beside an axis are written: long ones would lie on the axis's name. */
export function formatterOf({ isShare, series }: Panel) {
  if (isShare) return { formatter: (value: number) => `${Math.round(value * 100)}%` };
  const largest = Math.max(0, ...series.map(({ points }) => largestOf(points)));
  if (largest === 0 || (largest >= 0.01 && largest < 1e5)) return {};
  return {
    formatter: (value: number) => (value === 0 ? '0' : value.toExponential().replace('+', '')),
  };
}

/** The least distance of numbers beside an axis: more than three digits would lie on the axis's name. */
export function finest({ series }: Panel): number {
  const largest = Math.max(0, ...series.map(({ points }) => largestOf(points)));
  return largest === 0 ? 0 : 10 ** (Math.floor(Math.log10(largest)) - 2);
}

function largestOf(points: Series['points']): number {
  let largest = 0;
  for (const [, y] of points) if (Number.isFinite(y)) largest = Math.max(largest, Math.abs(y));
  return largest;
}
