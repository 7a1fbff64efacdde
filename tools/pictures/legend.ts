/** @file The legend of a picture, below its charts: marks and names in rows. Pure. */
import { text } from './svg.ts';
import { fitted, textWidth } from './text-width.ts';

/** How a series is drawn: a line, the dots of a scatter chart, or one point that stands out. */
export type Mark = 'line' | 'dashed' | 'dotted' | 'dot' | 'diamond';

/** A mark and what it stands for. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
  readonly mark: Mark;
}

const SIZE = 12;
const ROW = 20;
const MARK_WIDTH = 28;
/** Between a mark and its name, and between entries. */
const GAP = 6;
const ENTRY_GAP = 22;

/** Draws groups of entries, each from a new row of at most `width` on; names that are longer lose their beginning. */
export function legend(
  groups: readonly (readonly LegendEntry[])[],
  { left, top, width }: { readonly left: number; readonly top: number; readonly width: number },
): { readonly parts: readonly string[]; readonly height: number } {
  const parts: string[] = [];
  let numRows = 0;
  for (const group of groups.filter((entries) => entries.length > 0)) {
    let x = 0;
    numRows += 1;
    for (const entry of group) {
      const room = width - MARK_WIDTH - GAP;
      const label = fitted(entry.label, { width: room, size: SIZE, keep: 'end' });
      const used = MARK_WIDTH + GAP + textWidth(label, SIZE);
      if (x > 0 && x + used > width) [x, numRows] = [0, numRows + 1];
      const place = { x: left + x, y: top + (numRows - 0.5) * ROW };
      parts.push(drawMark(entry, place));
      const style = { x: place.x + MARK_WIDTH + GAP, y: place.y + SIZE / 3, size: SIZE };
      parts.push(text(label, style));
      x += used + ENTRY_GAP;
    }
  }
  return { parts, height: numRows * ROW };
}

function drawMark(
  { colour, mark }: LegendEntry,
  { x, y }: { readonly x: number; readonly y: number },
): string {
  const middle = x + MARK_WIDTH / 2;
  if (mark === 'dot') return `<circle cx="${middle}" cy="${y}" r="4" fill="${colour}"/>`;
  if (mark === 'diamond') {
    return `<path d="M${middle} ${y - 6}l6 6l-6 6l-6 -6z" fill="${colour}"/>`;
  }
  const pattern = { line: 'none', dashed: '6 4', dotted: '2 4' }[mark];
  return `<line x1="${x}" y1="${y}" x2="${x + MARK_WIDTH}" y2="${y}" stroke="${colour}" stroke-width="2" stroke-dasharray="${pattern}"/>`;
}
