/** @file The font of all pictures, found whether or not the machine has any. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The family that pictures are set in. */
export const FONT_FAMILY = 'DejaVu Sans';

let isReady = false;

/**
 * Shows the package's own fonts to the library that draws text; to be called before it first does.
 *
 * It reads the name of its configuration from the environment, and a machine without fonts would draw boxes.
 */
export function useOwnFonts(): void {
  if (isReady) return;
  isReady = true;
  const folder = dirname(
    createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
  );
  const own = mkdtempSync(join(tmpdir(), 'tessera-fonts-'));
  const path = join(own, 'fonts.conf');
  writeFileSync(
    path,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${own}</cachedir>
</fontconfig>
`,
  );
  process.env['FONTCONFIG_FILE'] = path;
}
