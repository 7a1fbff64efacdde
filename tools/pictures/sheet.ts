/** @file A sheet of images, each with a title: predictions, mistakes, batches, patches. */
import { encodePng } from '../../shared/data/pixels/libvips.ts';
import type { RgbImage } from './image.ts';
import { COLOURS, embedded, picture, text } from './svg.ts';
import { fitted } from './text-width.ts';

/** One image of a sheet. */
export interface Tile {
  readonly image: RgbImage;
  /** One that is too long keeps its start, and a percentage at its end. */
  readonly title?: string;
  /** A second, smaller line. */
  readonly note?: string;
  /** A third, for the name of a file: one that is too long keeps its end. */
  readonly name?: string;
  /** Colour of the title. */
  readonly colour?: 'good' | 'bad' | 'plain';
}

/** How a sheet is laid out. Units  pixels. */
export interface SheetOptions {
  readonly columns: number;
  /** Longer side of an image on the sheet; an image keeps its proportions. */
  readonly tileSize: number;
  readonly title?: string;
  /** Room between tiles. */
  readonly gap?: number;
  /** Size of the titles over the usual. */
  readonly scale?: number;
  /** Drawn below all images. */
  readonly footer?: {
    readonly height: number;
    parts(place: { readonly left: number; readonly top: number }): string[];
  };
}

const MARGIN = 16;
const HEADING = 34;
const TITLE_SIZE = 13;
const NOTE_SIZE = 11;
/** Height of a line of text over its size. */
const LINE = 1.4;

/** A sheet as SVG, the images inside as PNG. */
export async function sheet(tiles: readonly Tile[], options: SheetOptions): Promise<string> {
  const { columns, tileSize, title, gap = 12, scale = 1, footer } = options;
  const used = Math.max(1, Math.min(columns, tiles.length));
  const tileWidth = Math.max(
    used === 1 ? 240 : 0,
    ...tiles.map((tile) => scaled(tile, tileSize).width),
  );
  const rows = Math.ceil(tiles.length / used);
  const titleHeight = tiles.some((tile) => tile.title !== undefined)
    ? TITLE_SIZE * scale * LINE
    : 0;
  const noteLines = (['note', 'name'] as const).filter((line) =>
    tiles.some((tile) => tile[line] !== undefined),
  );
  const noteHeight = noteLines.length * NOTE_SIZE * scale * LINE;
  const heightOf = (row: number) =>
    Math.max(
      ...tiles.slice(row * used, (row + 1) * used).map((tile) => scaled(tile, tileSize).height),
    );
  const heights = Array.from({ length: rows }, (_, row) => heightOf(row));
  const headingHeight = title === undefined ? 0 : HEADING;
  const parts =
    title === undefined
      ? []
      : [text(title, { x: MARGIN, y: MARGIN + 16, size: 17, weight: 'bold' })];
  let top = MARGIN + headingHeight;
  for (const [row, height] of heights.entries()) {
    const some = tiles.slice(row * used, (row + 1) * used);
    for (const [column, tile] of some.entries()) {
      const left = MARGIN + column * (tileWidth + gap);
      parts.push(...captions(tile, { left, top, width: tileWidth, scale }, noteLines));
      const size = scaled(tile, tileSize);
      const isPixelated = tile.image.width < tileSize / 2;
      const y = top + titleHeight + noteHeight;
      const { pixels, ...image } = tile.image;
      const png = await encodePng(pixels, { ...image, channels: 3 });
      parts.push(embedded(png, { x: left, y, ...size, isPixelated }));
    }
    top += titleHeight + noteHeight + height + gap;
  }
  if (footer !== undefined) {
    parts.push(...footer.parts({ left: MARGIN, top: top - gap }));
    top += footer.height;
  }
  const width = 2 * MARGIN + used * tileWidth + (used - 1) * gap;
  return picture(Math.max(width, title === undefined ? 0 : 280), top - gap + MARGIN, parts);
}

interface CaptionPlace {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly scale: number;
}

/** The lines above an image, none wider than it. */
function captions(
  tile: Tile,
  { left, top, width, scale }: CaptionPlace,
  noteLines: readonly ('note' | 'name')[],
): string[] {
  const parts: string[] = [];
  let bottom = top;
  const titleSize = TITLE_SIZE * scale;
  if (tile.title !== undefined) {
    const colour = tile.colour === undefined ? COLOURS.ink : COLOURS[tile.colour];
    const style = {
      x: left,
      y: bottom + titleSize,
      size: titleSize,
      colour,
      weight: 'bold',
    } as const;
    const fit = { width, size: titleSize, weight: 'bold' } as const;
    parts.push(text(fitted(tile.title, fit), style));
    bottom += titleSize * LINE;
  }
  const size = NOTE_SIZE * scale;
  for (const line of noteLines) {
    const style = { x: left, y: bottom + size, size, colour: COLOURS.faint };
    const keep = line === 'name' ? 'end' : 'start';
    parts.push(text(fitted(tile[line] ?? '', { width, size, keep }), style));
    bottom += size * LINE;
  }
  return parts;
}

/** The size of an image on the sheet. */
function scaled({ image }: Tile, tileSize: number): { width: number; height: number } {
  const scale = tileSize / Math.max(image.width, image.height);
  return { width: Math.round(image.width * scale), height: Math.round(image.height * scale) };
}
