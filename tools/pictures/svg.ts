/** @file Small pieces of SVG: texts, rectangles, images. Pure. */
import type { Weight } from './text-width.ts';

/** Font family of all pictures. */
export const FONT_FAMILY = 'DejaVu Sans';

/** Colours of all pictures. Source  Okabe and Ito's palette, which colour-blind people can distinguish. */
export const COLOURS = {
  ink: '#222222',
  faint: '#777777',
  rule: '#dddddd',
  good: '#009e73',
  bad: '#d55e00',
  plain: '#0072b2',
} as const;

/** How a text is set. Units  pixels. */
export interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly colour?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: Weight;
}

/** A text, whatever is in it. */
export function text(content: string, style: TextStyle): string {
  const { x, y, size, colour = COLOURS.ink, anchor = 'start', weight = 'normal' } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour}" text-anchor="${anchor}" font-weight="${weight}">${escapeXml(content)}</text>`;
}

/** A PNG inside a picture. */
export function embedded(
  png: Uint8Array,
  box: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly isPixelated?: boolean;
  },
): string {
  const { x, y, width, height, isPixelated = false } = box;
  const style = isPixelated ? ' style="image-rendering:pixelated"' : '';
  const data = Buffer.from(png).toString('base64');
  return `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none"${style} href="data:image/png;base64,${data}"/>`;
}

/** A whole picture on white. */
export function picture(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT_FAMILY}, sans-serif">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

/** Text as XML wants it; characters that XML has no place for are left out. */
export function escapeXml(content: string): string {
  return content
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
