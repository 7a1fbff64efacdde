/** @file Flags and help of `tessera export`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  jsonOption,
  notes,
  setOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera export`. */
export function addExport(program: Command): void {
  const command = addCommand(
    program,
    'export [model]',
    GROUPS.models,
    'Write a model for a program or another library',
  )
    .addOption(
      new Option('--to <format>', 'What to write')
        .choices(['node', 'transformers.js', 'onnx', 'huggingface', 'timm', 'torchvision'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <path>', 'Folder to write; a file for onnx, timm and torchvision')
    .addOption(
      new Option('--dtype <type>', 'How numbers are stored, for the last three')
        .choices(['f32', 'f16', 'bf16'])
        .default('f32'),
    )
    .option('--classes <file>', 'Names of the classes, one a line, for bare weights')
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  notes(command, [
    'MODEL is a run (the newest unless given), a checkpoint, or any weights.',
    'node: ONNX, the exact pixels, JavaScript for Node and browsers, and a test.',
    'transformers.js: for @huggingface/transformers; huggingface: for Python.',
    'tessera weights convert writes the last four too.',
  ]);
  examples(command, 'For a Node program or a web page; for transformers.js', [
    'tessera export runs/food --to node --out food-model',
    'tessera export runs/food --to transformers.js --out food-web',
  ]);
  command.action(async (path, options) =>
    (await import('./export.ts')).exportModel({ ...options, path }),
  );
}
