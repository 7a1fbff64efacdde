/** @file Sizes and durations as text. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `88.2 MiB` for 92484403. Units  bytes in, binary prefixes out. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[power]}`;
}

/** A count with separators: `1,800`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** Bytes of `64MiB`, `1.5 GiB` or `100B`; undefined when the text is not a size with a unit. */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)\s*$/.exec(text);
  if (match === null) return undefined;
  const power = (BYTE_UNITS as readonly string[]).indexOf(match[2] as string);
  return Math.round(Number(match[1]) * 1024 ** power);
}

/** A rough duration: `61 s`, `12 min`, `3 h`. Units  milliseconds in. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** `00:18:20` for 1100 seconds. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** `2.1 s` for 2130. Units  milliseconds in. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A number with `digits` decimals, or `-` where there is none yet. */
export function formatNumber(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** A fraction as a percentage with one decimal, or `-`. */
export function formatPercent(fraction: number): string {
  return Number.isFinite(fraction) ? `${(fraction * 100).toFixed(1)}%` : '-';
}
