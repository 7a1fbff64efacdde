/** @file Files of the data set that become something else while a run reads them. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder, statusWhere, TesseraProcess } from '../support/cluster.ts';
import { runOfPictures, tinyPictures } from '../support/tiny-pictures.ts';

const folder = scratchFolder();
/** Makes something else at a path, at one stroke: nobody sees it gone. */
function inItsPlace(path: string, make: (beside: string) => void): void {
  const beside = `${path}.new`;
  make(beside);
  renameSync(beside, path);
}

/** What may become of a file, of that path. */
const FATES: readonly ((path: string) => void)[] = [
  (path) => rmSync(path),
  (path) => truncateSync(path, 40),
  (path) => writeFileSync(path, 'no picture any more'),
  // Of no bytes but their number: more than an image may have.
  (path) => truncateSync(path, 300 * 1024 ** 2),
  (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  (path) => inItsPlace(path, (beside) => symlinkSync('/etc/hostname', beside)),
  (path) => inItsPlace(path, (beside) => execFileSync('mkfifo', [beside])),
];

/** Starts a run that would go on for ever and reads every file anew, and waits for its first steps. */
async function startRun(data: string) {
  const args = ['train', ...runOfPictures(data), '--set', 'data.onBadImage=skip'];
  const train = new TesseraProcess([...args, '--workers', '2', '--run-folder', join(data, 'run')]);
  const address = (await train.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
  await statusWhere(address, ({ step }) => step > 0);
  return { train, address };
}

it('a run goes on without files that vanish, shrink, grow, or become something else, and counts them', async () => {
  const data = mkdtempSync(join(folder, 'pictures-'));
  await tinyPictures(data);
  const { train, address } = await startRun(data);
  for (const [at, befall] of FATES.entries()) befall(join(data, 'train', 'cat', `${at}.png`));
  const { step } = await statusWhere(address, (now) => now.badSamples === FATES.length);
  await statusWhere(address, (now) => now.step > step + 2);
  train.kill('SIGTERM');
  const { code, stderr } = await train.ended;
  expect(code, stderr).toBe(75);
  for (const [at, why] of [
    'no such file',
    'cannot decode',
    'it is not an image of a known format',
    'it has 300 MiB',
    // Or it is not there, for who looks just then.
    /it is a folder, not a file|no such file/,
    'it is now a link that leaves the data set',
    'it is a pipe, not a file',
  ].entries()) {
    const said = stderr.split('\n').filter((line) => line.includes(`train/cat/${at}.png`));
    expect(said.join('\n')).toMatch(why);
  }
});
