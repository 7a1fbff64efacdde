/** @file What the drawing of the model is made of: its colours on light and dark pages, its photo, boxes, vectors, arrows. Pure. */
import { escapeXml } from './svg.ts';

/**
 * Colours by class. Pages are light or dark as the reader's browser is; the drawing brings its own ground, so that it can
 * be read where a page differs from the browser.
 *
 * Source  Okabe and Ito's palette, lighter where the ground is dark.
 */
export const STYLE = `
.page{fill:#ffffff}.ink{fill:#222222}.faint{fill:#666d75}.on{fill:#ffffff}
.wire{fill:none;stroke:#666d75;stroke-width:1.6}.ray{fill:#e9ecf0}
.card{fill:#f5f6f8;stroke:#c9ced5}.cell,.sum,.position{fill:#dde2e8}.norm{fill:#5b6670}
.patches{fill:#0072b2}.embedding{fill:#00855f}.attention{fill:#c65400}.mlp{fill:#9a4685}.head{fill:#0072b2}
.off{opacity:.25}
@media (prefers-color-scheme:dark){
.page{fill:#11161d}.ink{fill:#eef1f4}.faint{fill:#a7b0ba}.on{fill:#11161d}
.wire{stroke:#a7b0ba}.ray{fill:#242e3a}
.card{fill:#1b232d;stroke:#465160}.cell,.sum,.position{fill:#3a4653}.norm{fill:#a7b0ba}
.patches{fill:#62b9f0}.embedding{fill:#2fc99a}.attention{fill:#ff934a}.mlp{fill:#e29acb}.head{fill:#62b9f0}
}
`;

/** The tip of arrows. */
export const MARKS =
  '<marker id="tip" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path class="faint" d="M0 0L8 4L0 8z"/></marker>';

const SALAMI = [
  [37, 33],
  [52, 30],
  [28, 49],
  [44, 47],
  [33, 66],
  [50, 62],
  [66, 60],
  [57, 76],
] as const;
const BASIL = [
  [45, 38, 30],
  [38, 57, -35],
  [58, 52, 20],
  [43, 75, 60],
  [68, 71, -20],
] as const;

/** A pizza on a cloth, one slice of it eaten; `#photo` is 100 units wide. */
export const PHOTO = `<symbol id="photo" viewBox="0 0 100 100"><rect width="100" height="100" fill="#f1ece4"/>${Array.from(
  { length: 5 },
  (_, at) =>
    `<path fill="#c8393b" fill-opacity=".5" d="M${20 * at + 5} 0h10v100h-10zM0 ${20 * at + 5}v10h100v-10z"/>`,
).join('')}<circle cx="51" cy="55" r="41" fill="#000000" opacity=".2"/>
<circle cx="49" cy="52" r="41" fill="#cf9248"/><circle cx="49" cy="52" r="36" fill="#b53a1c"/><circle cx="49" cy="52" r="34.5" fill="#f2c866"/>
${SALAMI.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="6.3" fill="#a3231c"/><circle cx="${x - 1.6}" cy="${y - 1.8}" r="2.2" fill="#d9614c"/>`).join('')}
${BASIL.map(([x, y, turn]) => `<ellipse cx="${x}" cy="${y}" rx="4.4" ry="2" transform="rotate(${turn} ${x} ${y})" fill="#3f8a35"/>`).join('')}
<path d="M49 52L70 16.5A41.5 41.5 0 0 1 89 40z" fill="#d9b98c"/></symbol>`;

/** How a text of the drawing is set. */
interface LabelStyle {
  readonly x: number;
  readonly y: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly isBold?: boolean;
  readonly size?: number;
  /** Class of its colour. */
  readonly kind?: string;
}

/** A text. */
export function label(content: string, style: LabelStyle): string {
  const { x, y, anchor = 'start', isBold = false, size = 13, kind = 'ink' } = style;
  const weight = isBold ? ' font-weight="bold"' : '';
  return `<text class="${kind}" x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}"${weight}>${escapeXml(content)}</text>`;
}

/** Two lines below a part: its shape in letters, and in numbers. */
export function caption(x: number, y: number, letters: string, sizes: string): string {
  const place = { x, anchor: 'middle', size: 12 } as const;
  return (
    label(letters, { ...place, y, kind: 'faint' }) + label(sizes, { ...place, y: y + 18, size: 13 })
  );
}

/** A box with a word in its middle. */
export function box(
  word: string,
  style: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly kind: string;
    readonly size?: number;
  },
): string {
  const { x, y, width, height, kind, size = 14 } = style;
  const middle = { x: x + width / 2, y: y + height / 2 + size * 0.36, anchor: 'middle' } as const;
  const text = word === '' ? '' : label(word, { ...middle, size, isBold: true, kind: 'on' });
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>${text}`;
}

/** A circle with a sign. */
export function circle(
  sign: string,
  style: {
    readonly x: number;
    readonly y: number;
    readonly kind: string;
    readonly r?: number;
  },
): string {
  const { x, y, kind, r = 11 } = style;
  const text = label(sign, { x, y: y + 0.42 * r, anchor: 'middle', size: 1.12 * r, isBold: true });
  return `<circle class="${kind}" cx="${x}" cy="${y}" r="${r}"/>${text}`;
}

/** A vector: seven of its numbers, darker and paler. */
export function numbers(style: {
  readonly x: number;
  readonly y: number;
  readonly kind: string;
}): string {
  const { x, y, kind } = style;
  return Array.from({ length: 7 }, (_, at) => {
    const share = 0.45 + 0.55 * Math.abs(Math.sin(0.013 * x + 0.9 * y + 2.3 * at * at));
    return `<rect class="${kind}" x="${x + 10 * at}" y="${y}" width="9" height="18" rx="2" opacity="${share.toFixed(2)}"/>`;
  }).join('');
}

/** A straight arrow. */
export function arrow(x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="wire" d="M${x1} ${y1}L${x2} ${y2}" marker-end="url(#tip)"/>`;
}

/** One of the 16 patches of the photo. */
export function patchOfPhoto(
  number: number,
  { x, y, size }: { readonly x: number; readonly y: number; readonly size: number },
): string {
  const [left, top] = [25 * (number % 4), 25 * Math.floor(number / 4)];
  return `<svg x="${x}" y="${y}" width="${size}" height="${size}" viewBox="${left} ${top} 25 25"><use href="#photo" width="100" height="100"/></svg>`;
}
