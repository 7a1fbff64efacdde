/** @file Time limits as Slurm writes them, or with a unit. Pure. */
import type { SlurmTime } from './script.ts';

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A limit as Slurm takes it (`90`, `90:30`, `2:00:00`, `1-12`, `1-12:30`, `1-12:30:00`, `UNLIMITED`), or with a unit (`90m`,
 * `2h`, `3d`); undefined for any other text.
 */
export function slurmTime(text: string): SlurmTime | undefined {
  if (/^unlimited$/i.test(text)) return { text: 'UNLIMITED', seconds: undefined };
  const [, count, unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const seconds = count === undefined ? secondsOf(text) : Number(count) * (UNIT_S[unit] ?? 0);
  if (seconds === undefined || seconds === 0) return undefined;
  return { text: count === undefined ? text : clockText(seconds), seconds };
}

function secondsOf(text: string): number | undefined {
  const [, days, clock = ''] = /^(?:(\d{1,5})-)?(\d{1,7}(?::\d{1,2}){0,2})$/.exec(text) ?? [];
  if (clock === '') return undefined;
  const parts = clock.split(':').map(Number);
  const [first = 0, second = 0, third = 0] = parts;
  // With days, hours come first; without, minutes do, unless there are three numbers.
  if (days !== undefined) return Number(days) * 86_400 + first * 3600 + second * 60 + third;
  return parts.length === 3 ? first * 3600 + second * 60 + third : first * 60 + second;
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
