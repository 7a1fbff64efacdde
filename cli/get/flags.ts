/** @file Flags and help of `tessera weights get`, `tessera data` and `tessera data get`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from '../terminal/flags.ts';

/** Adds `get` below `tessera weights`. */
export function addWeightsGet(weights: Command): void {
  const get = withFlags(
    addCommand(weights, 'get [name]', GROUPS.models, 'Download pretrained weights, verified'),
    './weights',
  );
  examples(get, 'What there is, then the ViT-B/16 of torchvision', [
    'tessera weights get --list',
    'tessera weights get vit_b_16',
  ]);
  get.action(async (name, options) =>
    (await import('./get.ts')).runWeightsGet({ ...options, name }),
  );
}

/** Adds `tessera data` and what is below it. */
export function addData(program: Command): void {
  const data = addCommand(program, 'data', GROUPS.models, 'Download data sets');
  examples(data, 'What there is', ['tessera data get --list']);
  const get = withFlags(
    addCommand(data, 'get [name]', GROUPS.models, 'Download a data set, ready to train on'),
    './data',
  ).option('--keep-archive', 'Keep what was downloaded beside what is in it');
  examples(get, 'What there is, then 300 photos of three dishes', [
    'tessera data get --list',
    'tessera data get pizza_steak_sushi',
  ]);
  get.action(async (name, options) => (await import('./get.ts')).runDataGet({ ...options, name }));
}

function withFlags(get: Command, out: string): Command {
  return get
    .option('--list', 'Show the names and what is known of each')
    .option('--out <folder>', `Folder to put it into (default: ${out})`)
    .option('--cache', "Put it into the user's cache, which runs of every folder find")
    .option('--url <address>', 'Take it from another address, such as a mirror')
    .addOption(jsonOption())
    .addOption(verboseOption());
}
