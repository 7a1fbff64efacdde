/** @file Pictures on the disk: SVG as it is, PNG through sharp. */
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { renderSvg } from '../../shared/data/pixels/libvips.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';

/** Pixels of a PNG for one unit of its SVG: sharp on screens of today. */
const SCALE = 2;
/** Dots an inch at which SVG is drawn at its own size. */
const SVG_DPI = 72;

/**
 * Writes a picture as .svg or .png, by the end of its name.
 *
 * Throws  USAGE for another ending; CANNOT_WRITE.
 */
export async function writePicture(path: string, svg: string): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (kind !== '.svg' && kind !== '.png') {
    throw new TesseraError('USAGE', `${path} is not a name of a picture`, {
      hint: 'use a name that ends in .png or .svg',
    });
  }
  const bytes = kind === '.svg' ? Buffer.from(svg) : await pngOfSvg(svg);
  await writeFileAtomically(path, [bytes]);
}

/** A PNG file of an SVG. */
export async function pngOfSvg(svg: string): Promise<Uint8Array> {
  useOwnFonts();
  return await renderSvg(svg, SVG_DPI * SCALE);
}

/**
 * Shows the package's own fonts to the library that draws text; to be called before it first does.
 *
 * It reads the name of its configuration from the environment, and a machine without fonts would draw boxes. Its own
 * configuration would also make it write below HOME.
 */
function useOwnFonts(): void {
  process.env['FONTCONFIG_FILE'] = createRequire(import.meta.url).resolve('#fonts.conf');
}
