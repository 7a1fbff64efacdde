/** @file Points of long curves, as few as a picture can show. Pure. */

type Points = readonly (readonly [x: number, y: number])[];

/** Points that a panel shows at most: more than one a pixel. */
const POINTS_MAX = 2000;
/** Steps over which a curve is smoothed, or a tenth of it where it is short. */
const SMOOTHING = 20;
const SMOOTHED_PART = 10;

/** The lowest and the highest point of each part of a long curve, so that no peak is lost; a short curve as it is. */
export function thinned(points: Points, most = POINTS_MAX): Points {
  if (points.length <= most) return points;
  const parts = Math.floor(most / 2);
  return Array.from({ length: parts }, (_, part) => {
    const at = (edge: number) => Math.floor((edge * points.length) / parts);
    let [low, high] = [at(part), at(part)];
    for (let index = at(part); index < at(part + 1); index += 1) {
      if (yOf(points, index) < yOf(points, low)) low = index;
      if (yOf(points, index) > yOf(points, high)) high = index;
    }
    const both = low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
    return both.map((index) => points[index] as Points[number]);
  }).flat();
}

/** A moving average; what is not finite is left out of it. */
export function smoothed(points: Points): Points {
  const steps = Math.min(SMOOTHING, Math.ceil(1 + points.length / SMOOTHED_PART));
  let mean = Number.NaN;
  return points
    .filter(([, y]) => Number.isFinite(y))
    .map(([x, y], at) => {
      mean = at === 0 ? y : mean + (y - mean) / Math.min(at + 1, steps);
      return [x, mean] as const;
    });
}

const yOf = (points: Points, index: number) => points[index]?.[1] ?? Number.NaN;
