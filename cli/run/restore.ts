/** @file `--resume auto` on a machine that has nothing of the run yet: its mirror is asked. */

import { restoreFromMirror } from '../../launch/begin/restore.ts';
import { AUTO } from '../../launch/begin/run-place.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { isImageFolder } from '../inputs/image-folder.ts';
import { type RunFlags, refuseOtherImages } from './resume.ts';

/** What a restore is shown by, and ended by. */
export interface RestoreView {
  readonly signal: AbortSignal;
  line(text: string): void;
}

/** Restores the run of a folder that has no checkpoint from the mirror of its config, if it is there; returns whether it was. Throws  as `restoreFromMirror`. */
export async function restoredFromMirror(
  { config: named, resume, runFolder }: RunFlags,
  load: () => Promise<LoadedConfig>,
  { signal, line }: RestoreView,
): Promise<boolean> {
  if (resume !== AUTO || runFolder === undefined) return false;
  const { config } = await load();
  const isFolder = named !== undefined && (await isImageFolder(named));
  const restored = await restoreFromMirror({
    ...{ config, runFolder, signal },
    notify: (level, text) => line(level === 'warn' ? `⚠ ${text}` : text),
    // What was chosen for a folder of images when its run began might be chosen differently now.
    ...(isFolder && {
      refuse: async (kept) =>
        refuseOtherImages({ kept, of: `the run in ${config.checkpoint.mirror}` }, named),
    }),
  });
  return restored !== undefined;
}
