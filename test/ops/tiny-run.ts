/** @file Runs of a second, and what is made of them: a finished run to copy, weights and checkpoints with values that are not finite. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { encodeState, readState } from '../../shared/runs/checkpoint/state.ts';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';

/** A run of 20 steps of a model with 5,000 parameters. */
export const TINY: readonly string[] = [
  ...SMALL_RUN,
  ...set('training.epochs=1', 'model.width=16', 'model.depth=1', 'checkpoint.everySteps=5'),
];

/** A run that goes on until something ends it. */
export const ENDLESS: readonly string[] = set('training.epochs=100000', 'evaluation.everyEpochs=0');

/** `--set` before each. */
export function set(...settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['--set', setting]);
}

let finished: Promise<string> | undefined;

/** Copies a run that has ended well to `folder`; it is trained once. */
export async function finishedRun(folder: string): Promise<string> {
  finished ??= train();
  cpSync(await finished, folder, { recursive: true });
  return folder;
}

async function train(): Promise<string> {
  const folder = join(scratchFolder(), 'run');
  const { code, stderr } = await tessera([
    'train',
    ...TINY,
    '--workers',
    '1',
    '--run-folder',
    folder,
  ]);
  if (code !== 0) throw new Error(`the run to copy failed:\n${stderr}`);
  return folder;
}

/** Makes a value in the midst of a safetensors file another one; the names of its tensors stay. */
export function poison(path: string, value: number): void {
  const bytes = readFileSync(path);
  const header = headerOf(bytes);
  bytes.writeFloatLE(value, header + 4 * Math.floor((bytes.length - header) / 8));
  writeFileSync(path, bytes);
}

/** Makes all values of a safetensors file so large that nothing can be computed with them. */
export function inflate(path: string): void {
  const bytes = readFileSync(path);
  for (let at = headerOf(bytes); at < bytes.length; at += 4) {
    bytes.writeFloatLE(bytes.readFloatLE(at) * 1e30, at);
  }
  writeFileSync(path, bytes);
}

function headerOf(bytes: Buffer): number {
  return 8 + Number(bytes.readBigUInt64LE(0));
}

/** Makes a value of a checkpoint's model another one, with all checksums as its writer would have made them. */
export async function poisonCheckpoint(folder: string, value: number): Promise<void> {
  const path = join(folder, 'model.safetensors');
  poison(path, value);
  const bytes = readFileSync(path);
  const { state } = await readState(folder);
  const { files } = state;
  const sealed = encodeState({
    ...state,
    // The parameters lie in the file as they do in memory.
    parametersSha256: createHash('sha256')
      .update(bytes.subarray(headerOf(bytes)))
      .digest('hex'),
    files: { ...files, model: { bytes: bytes.length, crc32: crc32(bytes) } },
  });
  writeFileSync(join(folder, 'state.json'), sealed);
}

/** Writes an image as large as the digits. */
export async function dot(path: string): Promise<void> {
  const grey = { create: { width: 28, height: 28, channels: 3, background: '#888' } } as const;
  writeFileSync(path, await sharp(grey).png().toBuffer());
}
