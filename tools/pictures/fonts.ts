/** @file The font of all pictures, found whether or not the machine has any. */
import { createRequire } from 'node:module';

/** The family that pictures are set in. */
export const FONT_FAMILY = 'DejaVu Sans';

/**
 * Shows the package's own fonts to the library that draws text; to be called before it first does.
 *
 * It reads the name of its configuration from the environment, and a machine without fonts would draw boxes. Its own
 * configuration would also make it write below HOME.
 */
export function useOwnFonts(): void {
  process.env['FONTCONFIG_FILE'] = createRequire(import.meta.url).resolve('#fonts.conf');
}
