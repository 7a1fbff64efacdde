/** @file A stranger's first hour: a folder of pictures in, a model out; a run that goes on; a learning rate. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, tessera } from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const cwd = scratchFolder();
const COLOURS = { blue: '#2244aa', green: '#228833', red: '#aa2222' };
/** Small enough for seconds. */
const SMALL = [
  ...['model.imageSize=16', 'model.width=16', 'model.depth=1', 'model.heads=2'],
  ...['training.epochs=4', 'data.augment.mixup=0', 'data.augment.erasing=0'],
].flatMap((setting) => ['--set', setting]);
/** Where the claim is not about workers. */
const ONE = ['--set', 'cluster.workers=1'];

beforeAll(async () => {
  for (const [name, colour] of Object.entries(COLOURS)) {
    mkdirSync(join(cwd, 'photos', name), { recursive: true });
    const picture = sharp({ create: { width: 40, height: 30, channels: 3, background: colour } });
    const bytes = await picture.jpeg().toBuffer();
    for (let at = 0; at < 12; at += 1) writeFileSync(join(cwd, 'photos', name, `${at}.jpg`), bytes);
  }
});

async function succeed(args: readonly string[]) {
  const ended = await tessera(args, { cwd });
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

it('train FOLDER looks, says what it will do, trains, tests on what it never saw, and says what is next', async () => {
  const { stderr, stdout } = await succeed(['train', 'photos', '--json', ...SMALL]);
  for (const line of [
    /found +36 images of 3 classes/,
    /classes +blue 12, green 12, red 12/,
    /model +a small model, trained from scratch/,
    /test +7 images that are not looked at before the end/,
    /no pretrained weights[\s\S]*weights get vit_tiny_patch16_224/,
    /next +.* eval runs\/photos-/,
  ]) {
    expect(stderr).toMatch(line);
  }
  expect(JSON.parse(stdout)).toMatchObject({
    epochs: 4,
    runFolder: expect.stringMatching(/photos-/),
  });
});

longIt(
  'photos in one folder, named by their class, train the same, also where workers read them',
  async () => {
    mkdirSync(join(cwd, 'flat'));
    for (const name of Object.keys(COLOURS)) {
      for (let at = 0; at < 12; at += 1) {
        copyFileSync(
          join(cwd, 'photos', name, `${at}.jpg`),
          join(cwd, 'flat', `${name}_${at}.jpg`),
        );
      }
    }
    const set = ['training.epochs=1', 'data.access=local'].flatMap((setting) => ['--set', setting]);
    const flat = ['train', 'flat', ...SMALL, ...set, '--run-folder', 'flat-run', '--json'];
    const { stderr, stdout } = await succeed(flat);
    expect(stderr).toContain('classes are taken from the file names: blue, green, red');
    expect(JSON.parse(stdout)).toMatchObject({ epochs: 1 });
    const { stdout: told } = await succeed(['eval', 'flat-run', '--json']);
    const classes = Object.keys(COLOURS).map((name) => ({ class: name }));
    expect(JSON.parse(told)).toMatchObject({ classes, samples: 7 });
    const resumed = await succeed(['train', '--resume', 'flat-run', '--more-epochs', '1']);
    expect(resumed.stderr).toContain('classes are taken from the file names');
  },
);

it('init writes that plan as a config, which trains; it replaces nothing unasked', async () => {
  const { stdout } = await succeed(['init', 'photos']);
  expect(stdout).toBe('photos.yaml\n');
  const text = readFileSync(join(cwd, 'photos.yaml'), 'utf8');
  expect(text).toMatch(/^# yaml-language-server: \$schema=.*schema\.json\n/);
  expect(text).toContain('path: photos');
  expect(text).toMatch(/testFraction: 0\.2 # share of the images that is never trained on/);
  await succeed(['config', 'check', 'photos.yaml']);
  const again = await tessera(['init', 'photos'], { cwd });
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('photos.yaml is there already');
  await succeed(['init', 'photos', '--force']);
});

longIt('two epochs and one more are the bits of three; the run before stays as it is', async () => {
  const run = [...SMALL_RUN, ...ONE, '--set', 'training.schedule={name: constant}', '--json'];
  const sha = async (args: readonly string[]) =>
    JSON.parse((await succeed(['train', ...args])).stdout);
  const two = await sha([...run, '--set', 'training.epochs=2', '--run-folder', 'two']);
  const before = readdirSync(join(cwd, 'two/checkpoints'));
  const more = ['--resume', 'two', '--more-epochs', '1', '--run-folder', 'more', '--json'];
  const [three, continued] = await Promise.all([
    sha([...run, '--set', 'training.epochs=3', '--run-folder', 'three']),
    succeed(['train', ...more]),
  ]);
  const twoAndOne = JSON.parse(continued.stdout);
  expect(continued.stderr).toMatch(/resumes +from step \d+ of two/);
  expect(twoAndOne.parametersSha256).toBe(three.parametersSha256);
  expect(twoAndOne.parametersSha256).not.toBe(two.parametersSha256);
  expect(twoAndOne.steps).toBe(three.steps);
  expect(readdirSync(join(cwd, 'two/checkpoints'))).toEqual(before);
});

it('find lr draws a picture, suggests a rate, and leaves no run', async () => {
  const runs = () => (existsSync(join(cwd, 'runs')) ? readdirSync(join(cwd, 'runs')) : []);
  const before = runs();
  const { stdout } = await succeed([
    'find',
    'lr',
    ...SMALL_RUN,
    ...ONE,
    '--json',
    '--out',
    'lr.svg',
  ]);
  const { suggestion, losses } = JSON.parse(stdout);
  expect(suggestion).toBeGreaterThan(1e-5);
  expect(suggestion).toBeLessThan(1);
  expect(losses.length).toBeGreaterThan(20);
  expect(readFileSync(join(cwd, 'lr.svg'), 'utf8')).toContain('Loss by learning rate');
  expect(runs()).toEqual(before);
});
