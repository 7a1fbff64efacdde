/** @file Flags and help of `tessera engines` and the commands below it. */
import type { Command } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  notes,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera engines` and what is below it. */
export function addEngines(program: Command): void {
  const engines = addCommand(program, 'engines', GROUPS.help, 'Add engines for GPUs and TPUs');
  examples(engines, 'What there is, then XLA for an NVIDIA GPU', [
    'tessera engines list',
    'tessera engines add xla-cuda13',
  ]);
  notes(engines, [
    "Engines are kept below the user's cache; TESSERA_ENGINES names another folder.",
  ]);
  addList(engines);
  addAdd(engines);
  addRemove(engines);
  addTest(engines);
}

function addList(engines: Command): void {
  const list = addCommand(engines, 'list', GROUPS.help, 'Show engines, and whether they work')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(list, 'What can be added, what is installed and works', ['tessera engines list']);
  list.action(async (options) => (await import('./list.ts')).runEnginesList(options));
}

function addAdd(engines: Command): void {
  const add = addCommand(engines, 'add <name>', GROUPS.help, 'Download an engine, verified')
    .option('--from <folder>', 'Take the wheels from a folder, without a network')
    .option('--index <url>', 'Python package index to ask (default: as pip is set up)')
    .option('-y, --yes', 'Do not ask')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(add, 'For an NVIDIA GPU; then on a machine without a network', [
    'tessera engines add xla-cuda13',
    'tessera engines add xla-cuda13 --from ./wheels',
  ]);
  notes(add, [
    'It asks the package index for the names, sizes and SHA-256 of the wheels,',
    'shows what would be downloaded, and asks. No Python is needed.',
    'Settings of pip are followed: PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_CERT,',
    'pip.conf, HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE.',
  ]);
  add.action(async (name, options) =>
    (await import('./add.ts')).runEnginesAdd({ ...options, name }),
  );
}

function addRemove(engines: Command): void {
  const remove = addCommand(engines, 'remove <name>', GROUPS.help, 'Remove an engine')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(remove, 'Make room', ['tessera engines remove xla-cuda13']);
  remove.action(async (name, options) =>
    (await import('./remove.ts')).runEnginesRemove({ ...options, name }),
  );
}

function addTest(engines: Command): void {
  const test = addCommand(engines, 'test <name>', GROUPS.help, 'Check numbers, bits and speed')
    .option('--quick', 'Leave the speed out')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(test, 'Before the first run on a GPU', ['tessera engines test xla-cuda13']);
  notes(test, [
    'The gradients of a small ViT are compared with those of tfjs-cpu, the oracle;',
    'its bits in two processes, and on one device and all; then ViT-Ti/16 is timed.',
    'It ends with 69 when a number is wrong. It also takes the engines that',
    '`tessera doctor` shows, such as onnxruntime-cpu.',
  ]);
  test.action(async (name, options) =>
    (await import('./test.ts')).runEnginesTest({ ...options, name }),
  );
}
