/** @file Tables as kubectl prints them: no borders, columns two spaces apart. Names stay as they are. */

import { displayWidth, oneLine } from '../../shared/core/text.ts';

/** One column: its title and which side its cells keep to. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const EMPTY_CELL = '<none>';

/** Lines of a table, the titles first; an empty cell is shown as `<none>`. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const titles = columns.map((column) => oneLine(column.title));
  const cells = rows.map((row) => columns.map((_, at) => oneLine(row[at] || EMPTY_CELL)));
  const lines = [titles, ...cells];
  const widths = columns.map((_, at) =>
    lines.reduce((widest, line) => Math.max(widest, displayWidth(line[at] ?? '')), 0),
  );
  return lines.map((line) =>
    line
      .map((cell, at) => {
        const width = widths[at] as number;
        const room = ' '.repeat(width - displayWidth(cell));
        return columns[at]?.align === 'right' ? room + cell : cell + room;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A short age such as `9s`, `4m10s` or `2h5m`, as kubectl writes it. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${whole % 60}s` : `${hours}h${minutes % 60}m`;
}
