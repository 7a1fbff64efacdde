/** @file Values of flags as people type them. */
import type { WorkerCount } from '../../shared/config/settings.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `30s`, `2m` or `1h`; undefined without a unit, since 30 is ambiguous. */
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

/** `0,1,3`: different numbers of devices; undefined for anything else. */
export function parseDeviceList(text: string): number[] | undefined {
  if (!/^\d{1,3}(,\d{1,3})*$/.test(text)) return undefined;
  const numbers = text.split(',').map(Number);
  return new Set(numbers).size === numbers.length ? numbers : undefined;
}

/** `4`, `auto` or `2:8`; undefined for anything else. */
export function parseWorkerCount(text: string): WorkerCount | undefined {
  const [low, high, ...rest] = text.split(':');
  if (high === undefined) return parseCount(text);
  const [min, max] = [parseCount(low ?? ''), parseCount(high)];
  const areNumbers = typeof min === 'number' && typeof max === 'number';
  return areNumbers && min <= max && rest.length === 0 ? { min, max } : undefined;
}
