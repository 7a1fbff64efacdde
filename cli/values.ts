/** @file Values of flags as people type them. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `30s`, `2m` or `1h`; undefined without a unit, for nobody knows what 30 means. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  return unitMs === undefined ? undefined : Math.round(Number(match?.[1]) * unitMs);
}

/** A whole number from 1, or `auto`; undefined for anything else. */
export function parseCount(text: string): number | 'auto' | undefined {
  if (text === 'auto') return 'auto';
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}
