/** @file Copies a checkpoint to the mirror: files first, the manifest last; then removes there what is no longer kept. */
import { basename } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import { placeText } from '../../objects/place.ts';
import { type ObjectStore, textContent } from '../../objects/store.ts';
import { checkpointFolder } from '../checkpoint/layout.ts';
import { type CheckpointState, readState } from '../checkpoint/state.ts';
import { contentOf, holdFiles, release } from './held-files.ts';
import {
  encodeManifest,
  type Inventory,
  inventoryOf,
  type MirroredFile,
  manifestOf,
  missingOf,
  objectOf,
  unkept,
} from './manifest.ts';
import type { DueCheckpoint } from './queue.ts';
import { readManifest } from './read-manifest.ts';

/** What a copy works with. */
export interface CopyParts {
  readonly store: ObjectStore;
  readonly runFolder: string;
  /** Newest checkpoints to keep, besides the best one. */
  readonly keep: number;
}

/** What a copy came to. */
export interface Copied {
  readonly step: number;
  /** Bytes that were sent; 0 where the mirror had the checkpoint already. */
  readonly bytes: number;
}

/**
 * Copies a checkpoint, and before it the best one if the mirror lacks that.
 *
 * Throws  CHECKPOINT_MISMATCH when the mirror is another run's: nothing is written or removed there; DATA_INVALID when the
 *         checkpoint has gone; as `ObjectStore` does.
 */
export async function copyCheckpoint(due: DueCheckpoint, parts: CopyParts): Promise<Copied> {
  const { store, runFolder, keep } = parts;
  const held = await holdFiles(runFolder, due.folder);
  try {
    const { state } = await readState(due.folder);
    const inventory = inventoryOf(await store.list());
    await refuseOtherMirror(store, inventory, state);
    const bestStep = state.progress.best?.version;
    let bytes = 0;
    if (bestStep !== undefined && bestStep < due.step && !inventory.steps.includes(bestStep)) {
      bytes += await copyBest(bestStep, parts, inventory);
    }
    bytes += await copyHeld(due, { ...parts, inventory, state, held });
    const now = inventoryOf(await store.list());
    for (const name of unkept(now, { keep, bestStep, newestStep: due.step }))
      await store.remove(name);
    return { step: due.step, bytes };
  } finally {
    await release(held);
  }
}

/** The best one may have been passed over for a newer one. It may also be gone here: then nothing can be done. */
async function copyBest(step: number, parts: CopyParts, inventory: Inventory): Promise<number> {
  const folder = checkpointFolder(parts.runFolder, step);
  const held = await holdFiles(parts.runFolder, folder).catch(() => undefined);
  if (held === undefined) return 0;
  try {
    const { state } = await readState(folder);
    return await copyHeld({ step, folder }, { ...parts, inventory, state, held });
  } finally {
    await release(held);
  }
}

async function copyHeld(
  { step, folder }: DueCheckpoint,
  parts: CopyParts & {
    readonly inventory: Inventory;
    readonly state: CheckpointState;
    readonly held: Awaited<ReturnType<typeof holdFiles>>;
  },
): Promise<number> {
  const { store, inventory, state, held } = parts;
  const { runFingerprint, parametersSha256 } = state;
  if (inventory.steps.includes(step)) {
    const there = await readManifest(store, step);
    const isSame = there?.parametersSha256 === parametersSha256;
    if (there !== undefined && isSame && missingOf(there, inventory) === undefined) return 0;
    // What it speaks of is about to change.
    await store.remove(manifestOf(step));
  }
  const files: MirroredFile[] = [];
  let sent = 0;
  for (const one of held) {
    const content = await contentOf(one);
    const { of, name } = one;
    const { bytes, sha256 } = content;
    const object = objectOf(step, one);
    const isShared = of === 'executables' && inventory.sizes.get(object) === bytes;
    if (!isShared) {
      await store.put(object, content);
      sent += bytes;
    }
    files.push({ of, name, bytes, sha256 });
  }
  if (state.step !== step || !files.some(({ of }) => of === 'checkpoint')) {
    throw new TesseraError(
      'DATA_INVALID',
      `${basename(folder)} is not the checkpoint of step ${step}`,
    );
  }
  const manifest = { step, runFingerprint, parametersSha256, files };
  await store.put(manifestOf(step), textContent(encodeManifest(manifest)));
  return sent;
}

/** Throws  CHECKPOINT_MISMATCH when the newest manifest is of another run. */
async function refuseOtherMirror(
  store: ObjectStore,
  { steps }: Inventory,
  { runFingerprint }: CheckpointState,
): Promise<void> {
  for (const step of steps) {
    const there = await readManifest(store, step);
    if (there === undefined) continue;
    if (there.runFingerprint === runFingerprint) return;
    throw new TesseraError('CHECKPOINT_MISMATCH', `${placeText(store.place)} holds another run`, {
      hint: 'give this run a checkpoint.mirror of its own; nothing there was changed',
    });
  }
}
