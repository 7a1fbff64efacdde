/** @file A new run that begins where an old one ended: its parameters, its moments, more epochs. */
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import {
  buildFolderAtomically,
  makeFolder,
  writeFileAtomically,
} from '../../shared/files/files.ts';
import {
  CHECKPOINT_FILES,
  checkpointFolder,
  checkpointsFolder,
  listCheckpoints,
} from '../../shared/runs/checkpoint/layout.ts';
import { withMoreEpochs } from '../../shared/runs/checkpoint/more-epochs.ts';
import {
  type CheckpointState,
  encodeState,
  readState,
} from '../../shared/runs/checkpoint/state.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import { configOf } from '../../shared/runs/reader/read.ts';
import { createRunFolder } from '../../shared/runs/run-folder.ts';

/** A run to be continued as another. */
export interface MoreEpochs {
  readonly from: string;
  /** Epochs after those that it has made. */
  readonly epochs: number;
  /** Folder of the new run; runs/NAME-TIME unless given. */
  readonly runFolder?: string | undefined;
}

/**
 * Makes the folder of a run that begins with the newest checkpoint of another, ready to be resumed; that one stays as it
 * is. Its steps are counted on, so that the optimizer and the order of the samples continue.
 *
 * Throws  DATA_INVALID when the run has no checkpoint or no config; CHECKPOINT_CORRUPT; CANNOT_WRITE.
 */
export async function continueRun({ from, epochs, runFolder }: MoreEpochs): Promise<string> {
  const [newest] = await listCheckpoints(from);
  const found = await configOf(from);
  if (newest === undefined || found.config === undefined) {
    const reason = newest === undefined ? 'it has no checkpoint' : found.faults[0];
    throw new TesseraError('DATA_INVALID', `${from} cannot be continued: ${reason}`, {
      hint: 'give a run that has saved something: `tessera runs list` shows them',
    });
  }
  const { state: saved } = await readState(newest.folder);
  const { name, config, state } = withMoreEpochs(found.config, saved, epochs);
  const { folder, undo } = await createRunFolder(name, runFolder);
  try {
    await copyCheckpoint(newest.folder, folder, state);
    const text = `${JSON.stringify(config, null, 2)}\n`;
    await writeFileAtomically(join(folder, RUN_FILES.config), [Buffer.from(text)]);
    // Which data set it has, and which run its workers know.
    await copyFile(join(from, RUN_FILES.identity), join(folder, RUN_FILES.identity));
    return folder;
  } catch (error) {
    await undo();
    throw error;
  }
}

async function copyCheckpoint(from: string, run: string, state: CheckpointState): Promise<void> {
  await makeFolder(checkpointsFolder(run));
  await buildFolderAtomically(checkpointFolder(run, state.step), async (folder) => {
    const names = await readdir(from);
    for (const name of names.filter((name) => name !== CHECKPOINT_FILES.state)) {
      await copyFile(join(from, name), join(folder, name));
    }
    await writeFileAtomically(join(folder, CHECKPOINT_FILES.state), [encodeState(state)]);
  });
}
